"""HTTP: requests into options, transcripts into responses, errors into bodies.

The only room, with app, that knows Quart.
"""
