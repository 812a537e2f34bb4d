"""From a spooled recording to a transcript: which model, when, in which order. Knows nothing of HTTP."""
