"""`govor serve`: from the command to the last connection."""
