"""Gives the segments of chunks their times in the recording and their speakers, and joins overlaps. Pure."""
