"""Request bodies: limited in size and pace, read no faster than they are used, given up when they stall.

The framework gets an empty body: one that it kept would be limited and freed by its own rules.
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
from govor.api.response.declared_errors import Kinds
from govor.connections.expect_continue import WAITS
from govor.errors import InsufficientStorage, PayloadTooLarge, UnsupportedMediaType, UploadStalled

LINGER_SECONDS = 10.0
DROP_SECONDS = 0.0006  # between two dropped pieces of 64 kB: 100 MB a second
BACKLOG_BYTES = 256_000
"""Most bytes of a body that wait in memory to be read; the client has to wait with the rest."""

RECORDINGS = re.compile(
    r"(/api)?/v1/audio/|/v1/transcribe|/inference|(/v1)?/vad$|/asr$|/detect-language$|/openai/deployments/"
)
"""Paths of routes whose bodies hold a recording."""
PLAIN_BYTES = 100_000
"""Largest body of all other routes, which read it into memory: JSON and forms of a few fields."""

GRACE_SECONDS = 60.0
"""Time that a body may take beyond its minimum rate. Apache's `MinRate` grants 20 s, Kestrel's rate 5 s."""

COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})
"""Refused: recordings are compressed already, and a body that grows while it is read has no known length."""

BODY_ERRORS: Kinds = (PayloadTooLarge, UploadStalled, UnsupportedMediaType, InsufficientStorage)
"""Errors of any route that takes a body: too large, too slow, compressed, or not to be kept on the disk."""

BODY = "govor.body"
"""Key of the body in the scope of a request."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may arrive; 0: no limit."""

    silence: float = 0.0
    """Most seconds between two pieces."""
    rate: float = 0.0
    """Least bytes per second, averaged over the time in which the server waits for the client."""

    def timeout(self, received: int, waited: float) -> float | None:
        """Return the seconds that the next piece may take; None: no limit."""
        bounds = [self.silence] if self.silence else []
        if self.rate:
            bounds.append(max(GRACE_SECONDS + received / self.rate - waited, 0.0))
        return min(bounds, default=None)


class Body:
    """One body, iterated piece by piece. Iteration raises PayloadTooLarge, UploadStalled."""

    def __init__(self, limit: int, stated: int | None = None, pace: Pace | None = None):
        self.complete = asyncio.Event()
        """Set when no more data will come."""
        self.wanted = asyncio.Event()
        """Set when the application waits for the body, or for the client's disconnect."""
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
        """Return the whole body."""
        return b"".join([piece async for piece in self])

    def drop(self) -> None:
        """Discard what is kept and what is still to come: the request has been answered."""
        self._wanted = False
        self._data.clear()
        self._change.set()

    async def take_in(self, receive: Receive, pause: Callable[[], float]) -> None:
        """Receive data until the client disconnects; `pause` returns the seconds between dropped pieces."""
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
        """Wait for the client within the allowed time; None: it has taken longer."""
        if self.complete.is_set():
            return await receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._pace.timeout(self._received, self._waited)):
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
    """Return the current request's body. Raises UnsupportedMediaType if it is compressed."""
    codings = request.headers.get("content-encoding", "").lower()
    if coding := next((each.strip() for each in codings.split(",") if each.strip() in COMPRESSIONS), ""):
        raise UnsupportedMediaType(
            f"The body is compressed (Content-Encoding: {coding}), which is not taken: send it as it is."
        )
    return cast("Body", cast("Scope", request.scope)[BODY])


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
