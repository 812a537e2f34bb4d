"""HTTP: turns requests into options, transcripts into responses and errors into bodies.

Only this package and app know Quart.
"""
