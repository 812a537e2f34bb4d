"""What runs next, and who may come in: requests, chunks, threads and cores."""
