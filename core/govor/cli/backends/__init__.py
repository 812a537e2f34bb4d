"""Commands for authors of backends: write one, and try it."""
