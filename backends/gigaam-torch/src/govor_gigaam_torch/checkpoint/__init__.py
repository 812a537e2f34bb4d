"""A checkpoint file: opened without running any of it, checked, and built into a model."""
