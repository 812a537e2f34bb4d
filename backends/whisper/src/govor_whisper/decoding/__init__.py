"""Decode windows of 30 s, one after the other or in batches, and decode lost speech again."""
