"""Texts, improved by models on their way to the client."""
