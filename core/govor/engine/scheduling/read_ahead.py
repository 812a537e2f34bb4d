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
        self._free = chunks
        self._rooms = rooms
        self._lock = Lock()  # rooms are taken by threads that read
        self._waiting: list[tuple[Reader, asyncio.Future[None]]] = []

    def join(self) -> Reader:
        """Begin to count for a request."""
        return Reader(self)

    def _grant(self) -> None:
        """Let those go on who may, in the order in which they came."""
        waiting, self._waiting = self._waiting, []
        for reader, task in waiting:
            if task.cancelled():
                continue
            if reader.held and not self._free:
                self._waiting.append((reader, task))
                continue
            self._free -= reader.held > 0
            reader.held += 1
            task.set_result(None)


class Reader:
    """What one request has with a scheduler. In the event loop, but for `has_room`."""

    def __init__(self, ahead: ReadAheadPermits):
        self._ahead = ahead
        self._room: bool | None = False  # None: it has left
        self.held = 0
        """Chunks that the scheduler has not done."""

    async def take(self) -> None:
        """Wait until one more chunk may be handed over."""
        task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ahead._waiting.append((self, task))
        self._ahead._grant()
        try:
            await task
        except asyncio.CancelledError:
            if task.done() and not task.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Say that the scheduler needs one of the chunks no more."""
        self.held -= 1
        self._ahead._free += self.held > 0
        self._ahead._grant()

    def has_room(self) -> bool:
        """Take a room, unless all are taken, and keep it until `leave`. Runs in any thread."""
        with self._ahead._lock:
            if self._room is False and self._ahead._rooms:
                self._ahead._rooms -= 1
                self._room = True
            return bool(self._room)

    def leave(self) -> None:
        """Give the room back; a thread that still reads gets none any more."""
        with self._ahead._lock:
            self._ahead._rooms += self._room is True
            self._room = None
