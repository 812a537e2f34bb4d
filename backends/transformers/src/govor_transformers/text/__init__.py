"""Vocabularies: the names of tokens as bytes, and Mistral's tekken.json."""
