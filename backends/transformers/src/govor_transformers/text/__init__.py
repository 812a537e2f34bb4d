"""Tokens as bytes, and words made of them."""
