"""Transcripts as text, and what every format needs: languages, times, events. Pure."""
