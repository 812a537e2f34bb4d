"""The program that opens recordings: FFmpeg's libraries in processes of their own, away from the server.

Knows nothing of the server, so that a process of it is small: it imports PyAV and the standard library.
"""
