"""The types and protocols that the core and its plugins share. Plugins import them from `govor`."""
