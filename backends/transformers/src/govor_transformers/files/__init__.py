"""The models on offer, and the required content of their repositories."""
