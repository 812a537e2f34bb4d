"""Transcriptions that outlive a connection, and the server: kept on disk, gone on with, told when done.

Knows nothing of HTTP requests to this server.
"""
