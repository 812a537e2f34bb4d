"""What the terminal asks of a running server."""
