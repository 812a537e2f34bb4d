"""A request's body: limited in size and pace, read no faster than it is used, given up when it stalls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from quart import request

from govor.api.body.uploads import Message, Receive, Scope
from govor.api.response.declared_errors import Kinds
from govor.errors import InsufficientStorage, PayloadTooLarge, UnsupportedMediaType, UploadStalled

BACKLOG_BYTES = 256_000
"""Most bytes of a body that wait in memory to be read; the client has to wait with the rest."""

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
