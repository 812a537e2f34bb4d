"""Subtitles: segments cut into cues that can be read."""
