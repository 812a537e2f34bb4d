"""Jobs: transcriptions that are stored on disk, survive a restart, and notify a webhook when they end.

Knows nothing of requests to this server.
"""
