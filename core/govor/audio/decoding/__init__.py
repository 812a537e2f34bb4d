"""Recordings as the server reads them: opened in processes of their own, block by block."""
