"""Gives each request its body and its spool, and lets an early answer arrive.

The framework gets an empty body: one that it kept would be limited and freed by its own rules.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from govor.api.body.reading import BODY, Body, Pace
from govor.api.body.uploads import SPOOL, Message, Receive, Scope, Send, Spool
from govor.connections.expect_continue import WAITS

LINGER_SECONDS = 10.0
DROP_SECONDS = 0.0006  # between two dropped pieces of 64 kB: 100 MB a second

RECORDINGS = re.compile(
    r"(/api)?/v1/audio/|/v1/transcribe|/inference|(/v1)?/vad$|/asr$|/detect-language$|/openai/deployments/"
)
"""Paths of routes whose bodies hold a recording."""
PLAIN_BYTES = 100_000
"""Largest body of all other routes, which read it into memory: JSON and forms of a few fields."""


class Bodies:
    """ASGI middleware: gives each request its body and spool, and delays the end of an early answer.

    If a server answers and closes while data is still arriving, the client's system discards the answer. So
    the rest of the body is read and dropped first, for at most `seconds`. A client that waits for 100
    Continue gets it, by the first `receive`, when its body is wanted: a request refused for its key or its
    size is never uploaded.
    """

    def __init__(
        self,
        app: Any,
        limit_of: Callable[[str], int],
        pace: Callable[[], Pace],
        spool_dir: Path | None = None,
        seconds: float = LINGER_SECONDS,
    ):
        """`limit_of` returns the largest body of a path, in bytes."""
        self._app = app
        self._limit_of = limit_of
        self._pace = pace
        self._spool_dir = spool_dir
        self._seconds = seconds
        self.lingering = 0
        """Number of answers whose end is delayed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on all messages; only the last one of an early answer is delayed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(self._limit_of(scope["path"]), _stated(scope), self._pace())
        scope[BODY], scope[SPOOL] = body, Spool(self._spool_dir)
        waits = scope.get("extensions", {}).get(WAITS, bool)
        ended = silent = False

        async def receive_empty() -> Message:
            nonlocal ended
            if not ended:
                ended = True
                return {"type": "http.request", "body": b"", "more_body": False}
            if waits():
                await body.wanted.wait()
            await body.take_in(receive, lambda: DROP_SECONDS * self.lingering)
            return {"type": "http.disconnect"}

        async def send_delayed(message: Message) -> None:
            nonlocal silent
            body.drop()
            if message["type"] == "http.response.start":
                silent = waits()
                message = _closing(message, scope) if body.stalled else message
            elif not silent and not message.get("more_body", False):
                body.wanted.set()
                await self._linger(body)
            await send(message)
            body.wanted.set()  # from now on `receive` only waits for the disconnect

        await self._app(scope, receive_empty, send_delayed)

    async def _linger(self, body: Body) -> None:
        self.lingering += 1
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(body.complete.wait(), self._seconds)
        finally:
            self.lingering -= 1


def body_limits(most: int, own: dict[str, int]) -> Callable[[str], int]:
    """Return a function from a path to its largest body in bytes; `own` has the limits of some paths."""

    def limit_of(path: str) -> int:
        limit = own.get(path, most)
        return limit if RECORDINGS.match(path) else min(limit, PLAIN_BYTES)

    return limit_of


def _stated(scope: Scope) -> int | None:
    """Return the length that the header states; None: there is none, or no number."""
    texts = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(texts[0]) if texts and texts[0].isdigit() else None


def _closing(message: Message, scope: Scope) -> Message:
    """Add the header that closes an HTTP/1 connection: its client may never send the rest of the body."""
    if not scope["http_version"].startswith("1"):
        return message
    return {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
