"""Decoding of recordings in processes of their own, block by block."""
