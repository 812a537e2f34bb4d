"""Container files: their tracks, their durations, and faults in their headers."""
