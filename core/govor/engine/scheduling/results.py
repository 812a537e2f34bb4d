"""The results of a task, for the request that waits for them. Runs in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Generic, TypeVar

from govor.errors import GovorError

Item = TypeVar("Item")


class TaskResults(Generic[Item]):
    """Items in the order of delivery, then an end or an error. Iterate it once."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[Item | GovorError | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Item]:
        """Yield items until the end. Raises the error that was given to `end`."""
        while (item := await self._ready.get()) is not None:
            if isinstance(item, GovorError):
                raise item
            yield item

    def deliver(self, items: Sequence[Item]) -> None:
        """Add items, none of which is None."""
        for item in items:
            self._ready.put_nowait(item)

    def end(self, error: GovorError | None = None) -> None:
        """End the results, with an error if there was one."""
        self._ready.put_nowait(error)
