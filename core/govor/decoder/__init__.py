"""The program that decodes recordings: FFmpeg's libraries in processes separate from the server.

Knows nothing of the server, so its processes are small: it imports PyAV and the standard library only.
"""
