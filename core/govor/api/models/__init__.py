"""Routes for models: the catalogue, fetching, disk usage and memory."""
