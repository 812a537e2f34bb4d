"""Limits of connections, and a warning that is not repeated too often."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

HEADER_SECONDS = 30.0
"""Longest time for the rest of a request's head after its first byte (nginx: 60, Apache: 20 to 40)."""

COMPLAINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one listener and its connections."""

    idle_seconds: float
    """How long a connection may stay open between two requests."""
    http2: bool
    """Whether HTTP/2 is offered to clients that begin with it."""
    header_seconds: float = HEADER_SECONDS
    most: int = sys.maxsize
    """Most connections at once; beyond it, one that waits for a request is closed."""


class Seldom:
    """Logs at most one line a minute, with the number of those left out."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic):
        self._log = log
        self._clock = clock
        self._next = -COMPLAINT_SECONDS
        self._left_out = 0

    def warn(self, message: str, *args: object) -> None:
        """Log a warning, unless there was one within the last minute."""
        now = self._clock()
        if now < self._next:
            self._left_out += 1
            return
        more = f" ({self._left_out} times more since the last such line)" if self._left_out else ""
        self._log.warning(f"{message}%s", *args, more)
        self._next, self._left_out = now + COMPLAINT_SECONDS, 0


class Allowance:
    """A token bucket: so many at once, and so many more each second."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic):
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left, self._looked = float(burst), clock()

    def take(self, count: int) -> bool:
        """Take `count` tokens; tell whether there were as many. Taking none always succeeds."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._looked) * self._per_second) - count
        self._looked = now
        return not count or self._left >= 0
