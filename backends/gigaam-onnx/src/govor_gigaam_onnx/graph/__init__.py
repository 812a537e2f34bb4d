"""An encoder's graph: read from an export, and rewritten for speed on a CPU."""
