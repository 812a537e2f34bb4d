"""A checkpoint file: opened without running its code, checked, and built into a model."""
