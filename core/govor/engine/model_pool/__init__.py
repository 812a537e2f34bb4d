"""Models in memory: loaded once for all, leased while in use, evicted for others."""
