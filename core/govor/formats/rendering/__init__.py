"""Render one transcript as the body of a response, whole or while its segments arrive."""
