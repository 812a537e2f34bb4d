"""Models as data and as files on disk: their names, their files, their selection."""
