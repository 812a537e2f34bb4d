"""Request bodies, read while they arrive and limited in size: forms, JSON, plain recordings."""
