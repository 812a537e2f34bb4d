"""What models wrote of overlapping chunks, at its times in the recording, with its speakers. Pure."""
