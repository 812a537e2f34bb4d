"""Models as data and as files on disk: which exist, which are here, which one a name means."""
