"""Models in memory: loaded once for all requests, leased while in use, evicted for other models."""
