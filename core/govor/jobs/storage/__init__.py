"""Jobs on disk: their database and the recordings that wait."""
