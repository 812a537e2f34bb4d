"""Ends the tasks that Quart makes for a request with the request, even if the server cancels it."""

from __future__ import annotations

import asyncio
from typing import Any

from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection


class _EndsItsTasks:
    """Mixin for Quart's requests, whose `__call__` starts two tasks and waits for either.

    If that wait is cancelled, Quart leaves both running. They would then send an answer into a closed
    connection.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tasks: list[asyncio.Task[Any]] = []
        self._is_over = False

    async def __call__(self, receive: Any, send: Any) -> None:
        """Answer the request and end its tasks."""
        try:
            await super().__call__(receive, send)  # type: ignore[misc]
        finally:
            self._is_over = True
            left = [task for task in self._tasks if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def handle_messages(self, *arguments: Any) -> None:
        """Receive the client's messages."""
        if self._begins():
            await super().handle_messages(*arguments)  # type: ignore[misc]

    def _begins(self) -> bool:
        """Record the current task; False: the request has ended before the task could run."""
        if not self._is_over and (task := asyncio.current_task()):
            self._tasks.append(task)
        return not self._is_over


class HttpRequest(_EndsItsTasks, ASGIHTTPConnection):
    """One request over HTTP."""

    async def handle_request(self, *arguments: Any) -> None:
        """Send the application's answer."""
        if self._begins():
            await super().handle_request(*arguments)


class WebSocketRequest(_EndsItsTasks, ASGIWebsocketConnection):
    """One WebSocket, from its handshake on."""

    async def handle_websocket(self, *arguments: Any) -> None:
        """Send the application's answer."""
        if self._begins():
            await super().handle_websocket(*arguments)
