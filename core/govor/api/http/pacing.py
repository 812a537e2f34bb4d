"""ASGI middleware: of many requests at once, a few begin in each iteration of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from govor.api.body.uploads import Receive, Scope, Send
from govor.api.http.cors import SAFE

AT_ONCE = 2
"""Requests that begin in one iteration of the event loop, which then takes a few milliseconds, with the
requests that began before them."""


class StartPacing:
    """Wraps an ASGI application.

    A request takes several iterations of the loop until it is refused or reads its body. If two hundred
    ran side by side, each iteration would last as long as one step of all of them, and a probe, which takes
    several iterations too, would be late. One after another, they are done as soon.
    """

    def __init__(self, app: Any, at_once: int = AT_ONCE):
        self._app = app
        self._at_once = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Delay requests that may have a body; pass all others at once."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            await self._wait_to_begin()
        await self._app(scope, receive, send)

    async def _wait_to_begin(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._begin_some)
        may_begin = loop.create_future()
        self._waiting.append(may_begin)
        await may_begin

    def _begin_some(self) -> None:
        for _ in range(min(self._at_once, len(self._waiting))):
            may_begin = self._waiting.popleft()
            if not may_begin.done():  # else its client has disconnected
                may_begin.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._begin_some)
