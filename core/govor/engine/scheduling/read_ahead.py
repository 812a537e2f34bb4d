"""Limits how far requests read ahead of their scheduler, so that memory depends on workers, not on requests.

Every request may have one chunk with the scheduler. Each further chunk, which keeps workers and batches full,
takes a permit; all requests share the permits. They share the permits for chunks of many minutes as well.
"""

from __future__ import annotations

import asyncio
from threading import Lock


class ReadAheadPermits:
    """The permits that the requests of one scheduler share."""

    def __init__(self, chunks: int, long_permits: int):
        """`chunks`: permits beyond the first chunk of each request; `long_permits`: for long chunks."""
        self.chunks = chunks
        self.free = chunks
        self.long_permits = long_permits
        self._lock = Lock()  # threads that read take and return permits for long chunks
        self._waiting: list[tuple[RequestPermits, asyncio.Future[None]]] = []

    def for_request(self) -> RequestPermits:
        """Return the permits of a new request, which holds none."""
        return RequestPermits(self)

    def _grant(self) -> None:
        """Let requests that wait go on, in the order in which they came, as far as permits are free."""
        waiting, self._waiting = self._waiting, []
        for permits, granted in waiting:
            if granted.cancelled():
                continue
            if permits.held and not self.free:
                self._waiting.append((permits, granted))
                continue
            self.free -= permits.held > 0
            permits.held += 1
            granted.set_result(None)


class RequestPermits:
    """The permits that one request holds. Methods run in the event loop, `may_hold_long` in any thread."""

    def __init__(self, ahead: ReadAheadPermits):
        self._ahead = ahead
        self._long: bool | None = False  # None: closed
        self.held = 0
        """Chunks with the scheduler that are not done."""

    async def acquire(self) -> None:
        """Wait until the request may submit one more chunk."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ahead._waiting.append((self, granted))
        self._ahead._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give back the permit of a chunk whose audio the scheduler no longer needs."""
        self.held -= 1
        self._ahead.free += self.held > 0
        self._ahead._grant()

    def may_hold_long(self) -> bool:
        """Return whether the request may hold long chunks. The permit is kept until `close`. Any thread."""
        with self._ahead._lock:
            if self._long is False and self._ahead.long_permits:
                self._ahead.long_permits -= 1
                self._long = True
            return bool(self._long)

    def close(self) -> None:
        """Give the permit for long chunks back; a thread that still reads gets none after this."""
        with self._ahead._lock:
            self._ahead.long_permits += self._long is True
            self._long = None
