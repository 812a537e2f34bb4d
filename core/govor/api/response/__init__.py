"""Answers as JSON, events or files, and the errors that routes declare."""
