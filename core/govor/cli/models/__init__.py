"""Commands for models on the disk."""
