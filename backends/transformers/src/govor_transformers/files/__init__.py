"""The models on offer, and what their repositories must hold."""
