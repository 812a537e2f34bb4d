"""Which model a name means, beyond the lists of plugins too."""
