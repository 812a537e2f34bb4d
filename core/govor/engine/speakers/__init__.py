"""Voices: who speaks when, and a voice as a vector."""
