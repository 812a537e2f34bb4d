"""Common to all routes: access, rate limits, headers and the bodies of errors."""
