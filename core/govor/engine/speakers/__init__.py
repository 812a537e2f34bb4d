"""Diarization, and the embedding of a voice."""
