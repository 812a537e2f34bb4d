"""What runs next, on how many threads and cores."""
