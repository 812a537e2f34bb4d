"""The terminal as a client of a running server."""
