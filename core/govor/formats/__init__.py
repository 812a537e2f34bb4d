"""Render transcripts as text; languages, times and events of all formats. Pure."""
