"""Request bodies: counted while they arrive, read no faster than they are wanted, given up when they stop.

The framework is told of an empty body, and reads none: what it keeps would be counted, bounded and freed by
its own rules.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from quart import request

from govor.api.body.uploads import SPOOL, Message, Receive, Scope, Send, Spool
from govor.connections.expect_continue import WAITS
from govor.errors import PayloadTooLarge, UnsupportedMediaType, UploadStalled

LINGER_SECONDS = 10.0
DROP_SECONDS = 0.0006  # from one piece of 64 kB that is dropped to the next: 100 MB a second
BACKLOG_BYTES = 256_000
"""Of a body that arrives faster than it is read, more does not wait in memory, but with the client."""

RECORDINGS = re.compile(
    r"(/api)?/v1/audio/|/v1/transcribe|/inference|(/v1)?/vad$|/asr$|/detect-language$|/openai/deployments/"
)
"""How paths begin whose bodies hold a recording."""
PLAIN_BYTES = 100_000
"""Largest body of all others, which are read into memory: JSON and forms of a few fields."""

GRACE_SECONDS = 60.0
"""A body may take so much longer than its rate says. Apache's `MinRate` gives 20 s, Kestrel's rate 5 s."""

COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})
"""Recordings are compressed already; a body that grows while it is read has no length to go by."""

BODY = "govor.body"
"""Where the scope of a request has its body."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may come; 0: as slowly as it likes."""

    silence: float = 0.0
    """Seconds between two pieces."""
    rate: float = 0.0
    """Bytes per second, on the average, of the time in which the server waits for the client."""

    def patience(self, received: int, waited: float) -> float | None:
        """Seconds that the next piece may take; None: any number."""
        bounds = [self.silence] if self.silence else []
        if self.rate:
            bounds.append(max(GRACE_SECONDS + received / self.rate - waited, 0.0))
        return min(bounds, default=None)


class Body:
    """One body, piece by piece for its reader. Raises PayloadTooLarge, UploadStalled."""

    def __init__(self, limit: int, stated: int | None = None, pace: Pace | None = None):
        self.complete = asyncio.Event()
        """Nothing more of it comes."""
        self.wanted = asyncio.Event()
        """Somebody waits for it, or for the client to leave."""
        self.stalled = False
        self._limit = limit
        self._too_large = stated is not None and stated > limit
        self._pace = pace or Pace()
        self._data = bytearray()
        self._received = 0
        self._waited = 0.0
        self._wanted = True
        self._change = asyncio.Event()

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._too_large:
                raise PayloadTooLarge(
                    f"The request is larger than the {self._limit / 1e6:g} MB that this server takes."
                )
            if self.stalled:
                raise UploadStalled(
                    f"The request stopped coming after {self._received} bytes; send it again."
                )
            if self._data:
                data = bytes(self._data)
                self._data.clear()
                self._change.set()
                return data
            if self.complete.is_set():
                raise StopAsyncIteration
            self.wanted.set()
            await self._changed()

    async def read(self) -> bytes:
        """Return all of it."""
        return b"".join([piece async for piece in self])

    def drop(self) -> None:
        """Keep nothing of it any more: it has been answered."""
        self._wanted = False
        self._data.clear()
        self._change.set()

    async def take_in(self, receive: Receive, pause: Callable[[], float]) -> None:
        """Take in what arrives until the client leaves; `pause` says seconds between pieces nobody wants."""
        while True:
            while self._wanted and len(self._data) > BACKLOG_BYTES:
                await self._changed()
            if not self._wanted:
                await asyncio.sleep(pause())
            message = await self._next(receive)
            if message is None:
                continue
            if message["type"] == "http.disconnect":
                break
            self._add(message.get("body", b""))
            if not message.get("more_body", False):
                self._end()
        self._end()

    async def _next(self, receive: Receive) -> Message | None:
        """Wait for the client, as long as it may take; None: it has taken longer."""
        if self.complete.is_set():
            return await receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._pace.patience(self._received, self._waited)):
                return await receive()
        except TimeoutError:
            self.stalled = True
            self._end()
            return None
        finally:
            self._waited += time.monotonic() - began

    def _add(self, data: bytes) -> None:
        self._received += len(data)
        self._too_large = self._too_large or self._received > self._limit
        if self._wanted and not self._too_large:
            self._data += data
        self._change.set()

    def _end(self) -> None:
        self.complete.set()
        self._change.set()

    async def _changed(self) -> None:
        self._change.clear()
        await self._change.wait()


def current_body() -> Body:
    """Return the body of the request under way. Raises UnsupportedMediaType for one that is compressed."""
    codings = request.headers.get("content-encoding", "").lower()
    if coding := next((each.strip() for each in codings.split(",") if each.strip() in COMPRESSIONS), ""):
        raise UnsupportedMediaType(
            f"The body is compressed (Content-Encoding: {coding}), which is not taken: send it as it is."
        )
    return cast("Body", cast("Scope", request.scope)[BODY])


class Bodies:
    """ASGI middleware: gives each request its body and its spool, and lets an early answer wait for the end.

    A server that answers and closes while data is still arriving makes the client's system throw the answer
    away. What arrives meanwhile is read and dropped: nobody takes it any more. A client that waits for 100
    Continue gets it, by the first `receive`, when its body is wanted: a wrong key or a large file
    costs it no upload.
    """

    def __init__(
        self,
        app: Any,
        limit_of: Callable[[str], int],
        pace: Callable[[], Pace],
        spool_dir: Path | None = None,
        seconds: float = LINGER_SECONDS,
    ):
        """`limit_of` a path: the largest body in bytes."""
        self._app = app
        self._limit_of = limit_of
        self._pace = pace
        self._spool_dir = spool_dir
        self._seconds = seconds
        self._lingering = 0  # answers that wait

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; hold back only the very last event of an early answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(self._limit_of(scope["path"]), _stated(scope), self._pace())
        scope[BODY], scope[SPOOL] = body, Spool(self._spool_dir)
        waits = scope.get("extensions", {}).get(WAITS, bool)
        told = silent = False

        async def tell() -> Message:
            nonlocal told
            if not told:
                told = True
                return {"type": "http.request", "body": b"", "more_body": False}
            if waits():
                await body.wanted.wait()
            await body.take_in(receive, lambda: DROP_SECONDS * self._lingering)
            return {"type": "http.disconnect"}

        async def hold(message: Message) -> None:
            nonlocal silent
            body.drop()
            if message["type"] == "http.response.start":
                silent = waits()
                message = _closing(message, scope) if body.stalled else message
            elif not silent and not message.get("more_body", False):
                body.wanted.set()
                await self._linger(body)
            await send(message)
            body.wanted.set()  # to receive asks for nothing now, and tells when the client leaves

        await self._app(scope, tell, hold)

    async def _linger(self, body: Body) -> None:
        self._lingering += 1
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(body.complete.wait(), self._seconds)
        finally:
            self._lingering -= 1


def body_limits(most: int, own: dict[str, int]) -> Callable[[str], int]:
    """Say how large the body of a path may be: `own` are those of some paths, in bytes."""

    def limit_of(path: str) -> int:
        limit = own.get(path, most)
        return limit if RECORDINGS.match(path) else min(limit, PLAIN_BYTES)

    return limit_of


def _stated(scope: Scope) -> int | None:
    """Return how long the body is by its header; None: nobody says, or not in a number."""
    texts = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(texts[0]) if texts and texts[0].isdigit() else None


def _closing(message: Message, scope: Scope) -> Message:
    """Have the connection closed, whose client may never send the rest; HTTP/2 has no such header."""
    if not scope["http_version"].startswith("1"):
        return message
    return {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
