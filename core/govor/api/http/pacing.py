"""ASGI middleware: of a crowd that comes at once, a few begin in each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from govor.api.body.uploads import Receive, Scope, Send
from govor.api.http.cors import SAFE

AT_ONCE = 2
"""Requests that begin in one turn of the event loop; they, and those who began before them, then take few
milliseconds of it."""


class StartPacing:
    """Wraps an ASGI application.

    A request takes several turns of the loop until it is refused or reads its body. Would two hundred take
    theirs side by side, a turn would last as long as all of them need for a step, and a probe, which takes
    several turns too, would be late. One after another they are done as soon.
    """

    def __init__(self, app: Any, at_once: int = AT_ONCE):
        self._app = app
        self._at_once = at_once
        self._outside: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let requests that may have a body in by turns; all others pass at once."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            await self._turn()
        await self._app(scope, receive, send)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._outside:
            loop.call_soon(self._let_in)
        turn = loop.create_future()
        self._outside.append(turn)
        await turn

    def _let_in(self) -> None:
        for _ in range(min(self._at_once, len(self._outside))):
            turn = self._outside.popleft()
            if not turn.done():  # else its client has left
                turn.set_result(None)
        if self._outside:
            asyncio.get_running_loop().call_soon(self._let_in)
