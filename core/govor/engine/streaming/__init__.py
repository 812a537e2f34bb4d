"""Streams of a loaded model: audio that it gets while it comes."""
