"""The requests under way, for a server that stops once they have ended. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio


class InFlight:
    """The set of requests under way. All methods run in the event loop."""

    def __init__(self) -> None:
        self._requests: set[object] = set()
        self._change = asyncio.Event()
        self.draining = False
        """Whether the server is stopping: requests under way may end, new ones are refused."""

    def enter(self, request: object) -> None:
        """Add a request that has begun."""
        self._requests.add(request)

    def exit(self, request: object) -> None:
        """Remove a request that has ended, or that the stop need not wait for."""
        self._requests.discard(request)
        self._change.set()

    def __len__(self) -> int:
        return len(self._requests)

    def drain(self) -> None:
        """Begin to refuse new requests."""
        self.draining = True

    async def drained(self, seconds: float) -> bool:
        """Wait for all requests to end; return False if they have not within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self._requests:
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            return False
        return True
