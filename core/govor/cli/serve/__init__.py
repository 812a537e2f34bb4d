"""`govor serve`: sockets, start, configuration at run time, and stop."""
