"""Whether a request may come in, and what is under way. Knows nothing of HTTP or models."""
