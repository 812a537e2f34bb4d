"""Files: their tracks, how long they are, and what is wrong with their headers."""
