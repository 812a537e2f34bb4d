"""Select the model for a name, including models beyond the plugins' lists."""
