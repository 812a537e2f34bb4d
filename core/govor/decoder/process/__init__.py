"""The decoder processes: forked, confined, one recording after another."""
