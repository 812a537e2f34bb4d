"""Routes of other servers."""
