"""Routes of models: on disk, in memory, and what could be pulled."""
