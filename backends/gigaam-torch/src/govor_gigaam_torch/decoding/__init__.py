"""Decode a network's output to text, words and tokens."""
