"""The order in which tasks run, and the threads and cores that they run on."""
