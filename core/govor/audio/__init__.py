"""From a file to stretches of speech: decode, detect, cut. Knows nothing of models or HTTP."""
