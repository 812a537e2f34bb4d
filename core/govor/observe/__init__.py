"""Observers of a running server: metrics, access log, traces. They change nothing."""
