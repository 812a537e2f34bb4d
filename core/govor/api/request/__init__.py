"""Fields of a request, in every spelling, made into the engine's work."""
