"""The tasks that Quart makes for a request end with the request, if the server ends that too."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection


class _Tasks:
    """The tasks of one request.

    Quart waits for two of them, and leaves both running if its waiting is cancelled. They would then send an
    answer into a connection that has none to take it.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._are_over = False

    async def note(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what the present task is for."""
        task = asyncio.current_task()
        if self._are_over or task is None:
            work.close()
            return
        self._running.add(task)
        try:
            await work
        finally:
            self._running.discard(task)

    async def over(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work that waits for the tasks; none of them outlives it."""
        try:
            await work
        finally:
            self._are_over = True
            left = list(self._running)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


class HttpRequest(ASGIHTTPConnection):
    """One request over HTTP."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tasks = _Tasks()

    async def __call__(self, receive: Any, send: Any) -> None:
        """Answer it."""
        await self._tasks.over(super().__call__(receive, send))

    async def handle_messages(self, *arguments: Any) -> None:
        """Take what its client sends."""
        await self._tasks.note(super().handle_messages(*arguments))

    async def handle_request(self, *arguments: Any) -> None:
        """Send what the application answers."""
        await self._tasks.note(super().handle_request(*arguments))


class WebSocketRequest(ASGIWebsocketConnection):
    """One request for a WebSocket, and what follows it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tasks = _Tasks()

    async def __call__(self, receive: Any, send: Any) -> None:
        """Answer it."""
        await self._tasks.over(super().__call__(receive, send))

    async def handle_messages(self, *arguments: Any) -> None:
        """Take what its client sends."""
        await self._tasks.note(super().handle_messages(*arguments))

    async def handle_websocket(self, *arguments: Any) -> None:
        """Send what the application answers."""
        await self._tasks.note(super().handle_websocket(*arguments))
