"""Routes that take a recording: transcription, diarization, detection, jobs."""
