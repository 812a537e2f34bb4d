"""The networks of GigaAM, and their features."""
