"""Errors for recordings that are not decoded."""

from __future__ import annotations

import errno

from av.error import FFmpegError


class Refused(Exception):
    """The recording cannot be decoded; the message says why. `reason` is a word for the metrics, or the
    request field that cannot be fulfilled.
    """

    def __init__(self, message: str, reason: str = "unreadable"):
        super().__init__(message)
        self.reason = reason


def check_memory(error: Exception) -> None:
    """Raise MemoryError if FFmpeg failed for lack of memory."""
    if isinstance(error, FFmpegError) and error.errno == errno.ENOMEM:
        raise MemoryError from error
