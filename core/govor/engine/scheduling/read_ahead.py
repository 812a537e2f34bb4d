"""How far the requests of one scheduler may read ahead of it: memory follows from workers, not from requests.

Every request may have one chunk with the scheduler. Further ones, which keep all workers and batches filled,
come out of permits that all requests share; so does the room for chunks of many minutes.
"""

from __future__ import annotations

import asyncio
from threading import Lock


class ReadAheadPermits:
    """The permits of one scheduler."""

    def __init__(self, chunks: int, rooms: int):
        """`chunks` beyond the first of each request; `rooms` for requests that hold long ones."""
        self.chunks = chunks
        self.free = chunks
        self.rooms = rooms
        self._lock = Lock()  # rooms are taken by threads that read
        self._waiting: list[tuple[RequestPermits, asyncio.Future[None]]] = []

    def for_request(self) -> RequestPermits:
        """Begin to count for a request."""
        return RequestPermits(self)

    def _grant(self) -> None:
        """Let those go on who may, in the order in which they came."""
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
    """The permits that one request holds. In the event loop, but for `has_room`."""

    def __init__(self, ahead: ReadAheadPermits):
        self._ahead = ahead
        self._room: bool | None = False  # None: it is closed
        self.held = 0
        """Chunks that the scheduler has not done."""

    async def acquire(self) -> None:
        """Wait until one more chunk may be handed over."""
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
        """Say that the scheduler needs one of the chunks no more."""
        self.held -= 1
        self._ahead.free += self.held > 0
        self._ahead._grant()

    def has_room(self) -> bool:
        """Take a room, unless all are taken, and keep it until `close`. Runs in any thread."""
        with self._ahead._lock:
            if self._room is False and self._ahead.rooms:
                self._ahead.rooms -= 1
                self._room = True
            return bool(self._room)

    def close(self) -> None:
        """Give the room back; a thread that still reads gets none any more."""
        with self._ahead._lock:
            self._ahead.rooms += self._room is True
            self._room = None
