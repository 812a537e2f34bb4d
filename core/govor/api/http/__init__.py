"""What is the same for every route: who may come, how fast, and how errors look."""
