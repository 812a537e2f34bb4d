"""From a file to chunks of speech: decode, detect, cut. Knows nothing of models or HTTP."""
