"""Answers as events or as files."""
