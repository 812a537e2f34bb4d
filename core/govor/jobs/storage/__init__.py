"""Jobs on disk: their database, and recordings that are not done."""
