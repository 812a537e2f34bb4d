"""Decode an encoder's output to text, words and tokens."""
