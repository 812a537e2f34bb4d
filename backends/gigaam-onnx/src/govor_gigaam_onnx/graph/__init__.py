"""An encoder's graph: read from an export, and written anew as a CPU runs it fastest."""
