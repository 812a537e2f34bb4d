"""What crosses the border between the core and a plugin. Plugins import it as `govor`."""
