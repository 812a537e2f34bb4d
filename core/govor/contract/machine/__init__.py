"""The cores and devices of this machine, as the core and its plugins count them."""
