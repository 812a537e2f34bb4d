"""The processes that decode: forked, confined, one recording after another."""
