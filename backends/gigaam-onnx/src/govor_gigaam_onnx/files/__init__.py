"""Where a model's files come from, and which file of a folder is what."""
