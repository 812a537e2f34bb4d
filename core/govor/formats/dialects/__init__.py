"""Response bodies in the form of other servers."""
