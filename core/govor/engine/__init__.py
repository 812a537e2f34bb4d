"""Turns a spooled recording into a transcript: chooses model, time and order. Knows nothing of HTTP."""
