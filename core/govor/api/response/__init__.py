"""Answers as JSON, events or files."""
