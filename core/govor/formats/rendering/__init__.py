"""One transcript to the body of a response, whole or as its segments arrive."""
