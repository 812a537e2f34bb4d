"""`govor transcribe`: transcribes recordings at the terminal."""
