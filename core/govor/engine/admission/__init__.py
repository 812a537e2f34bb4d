"""Admits or refuses requests, and counts those under way. Knows nothing of HTTP or models."""
