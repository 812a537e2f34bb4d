"""The transcription of one recording: its model, its chunks, its segments in order."""
