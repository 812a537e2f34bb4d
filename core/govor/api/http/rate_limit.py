"""Rate limits: a token bucket per client, filled at the allowed rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 10_000
"""Clients that are remembered; beyond that, the one with the oldest request gets a new bucket."""


class TokenBuckets:
    """The buckets of one kind of client. A new client starts with a full bucket."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, per_minute: float, burst: int) -> float:
        """Take a token and return 0; if there is none, return the seconds until there is one."""
        now, rate = self._clock(), per_minute / 60
        tokens, then = self._buckets.pop(client, (float(burst), now))
        tokens = min(tokens + (now - then) * rate, burst)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / rate
        self._buckets[client] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait
