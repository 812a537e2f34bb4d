"""Requests to addresses that a client names: only where the operator lets them go. Knows nothing of Quart."""
