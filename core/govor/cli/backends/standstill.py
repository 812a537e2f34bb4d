"""How long a model stops all other threads: native code that keeps Python's interpreter lock (GIL) does."""

from __future__ import annotations

import threading
import time
from types import TracebackType

BEAT_SECONDS = 0.005
"""Seconds between two looks at the clock."""


class Standstill:
    """Measures, while its block runs, the longest time in which no other thread of Python ran."""

    def __init__(self) -> None:
        self.longest = 0.0
        """Seconds beyond `BEAT_SECONDS`; includes what the system took to wake the thread."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="standstill", daemon=True)

    def __enter__(self) -> Standstill:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        last = time.perf_counter()
        while not self._ended.wait(BEAT_SECONDS):
            now = time.perf_counter()
            self.longest = max(self.longest, now - last - BEAT_SECONDS)
            last = now
