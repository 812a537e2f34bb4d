"""Bodies as other servers write them."""
