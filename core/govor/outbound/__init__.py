"""Requests to addresses from clients, within the operator's policy. Knows nothing of Quart."""
