"""What is told of a running server: metrics, access log, traces. Looks on, and changes nothing."""
