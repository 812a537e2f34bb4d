"""Requests under way, and whether there may be more. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio


class InFlight:
    """Counts whoever has come and not left. All methods run in the event loop."""

    def __init__(self) -> None:
        self._inside: set[object] = set()
        self._change = asyncio.Event()
        self.draining = False
        """The server is stopping: what is under way may end, nothing else begins."""

    def come(self, request: object) -> None:
        """A request has begun."""
        self._inside.add(request)

    def leave(self, request: object) -> None:
        """A request has ended, or need not be waited for."""
        self._inside.discard(request)
        self._change.set()

    def drain(self) -> None:
        """Begin to stop."""
        self.draining = True

    async def drained(self, seconds: float) -> bool:
        """Wait until all have left, or the time is over; tell which."""
        try:
            async with asyncio.timeout(seconds):
                while self._inside:
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            return False
        return True
