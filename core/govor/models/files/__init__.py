"""Models' files on disk: which are here, whose they are, and what goes."""
