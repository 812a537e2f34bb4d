"""Routes of /v1 that take a recording."""
