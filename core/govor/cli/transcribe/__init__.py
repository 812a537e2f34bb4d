"""`govor transcribe`: recordings at the terminal."""
