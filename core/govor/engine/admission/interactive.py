"""The number of requests under way that are no jobs; a watcher gets it before their work begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InteractiveWork:
    """Counts interactive requests. All methods run in the event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._watcher: Callable[[int], None] | None = None

    def watch(self, watcher: Callable[[int], None] | None) -> None:
        """Call `watcher` with the count now and at every change; None: stop calling."""
        self._watcher = watcher
        self._report()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one request until the block ends."""
        self.count += 1
        self._report()
        try:
            yield
        finally:
            self.count -= 1
            self._report()

    def _report(self) -> None:
        if self._watcher is not None:
            self._watcher(self.count)
