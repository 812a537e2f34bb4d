"""Windows of 30 s to text: one after the other or in batches, and what was lost heard again."""
