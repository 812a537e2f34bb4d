"""What bounds connections, and a complaint that is not repeated too often."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

HEADER_SECONDS = 30.0
"""For the rest of a request's head, once its first byte is there (nginx: 60, Apache: 20 to 40)."""

COMPLAINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one listener and its connections."""

    idle_seconds: float
    """How long a connection may stay open between two requests."""
    http2: bool
    """Whether HTTP/2 is spoken to clients that begin with it."""
    header_seconds: float = HEADER_SECONDS
    most: int = sys.maxsize
    """How many there may be at once; those that wait for a request make way first."""


class Seldom:
    """Logs one line a minute at most, and how many were left out."""

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
    """So many at once, and so many more each second: a token bucket."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic):
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left, self._looked = float(burst), clock()

    def take(self, count: int) -> bool:
        """Use up `count`; tell whether there were as many. Nothing is always there."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._looked) * self._per_second) - count
        self._looked = now
        return not count or self._left >= 0
