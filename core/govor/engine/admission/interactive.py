"""How many requests that are no jobs are being worked on, told to whoever watches before the work begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InteractiveWork:
    """Counts them. All methods run in the event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._watcher: Callable[[int], None] | None = None

    def watch(self, watcher: Callable[[int], None] | None) -> None:
        """Have `watcher` told the count, now and at every change; None: nobody."""
        self._watcher = watcher
        self._tell()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one until the block ends."""
        self.count += 1
        self._tell()
        try:
            yield
        finally:
            self.count -= 1
            self._tell()

    def _tell(self) -> None:
        if self._watcher is not None:
            self._watcher(self.count)
