"""Texts and plugins: formats of responses, and models that improve texts."""
