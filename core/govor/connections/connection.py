"""One client's connection: passes bytes between its socket and a protocol of Hypercorn's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import AppWrapper, ConnectionState, LifespanState

from govor.connections.http1 import Http1
from govor.connections.http2 import PREFACE, Http2
from govor.connections.limits import Limits

READ_BYTES = 2**16
LINGER_SECONDS = 1.0
"""Time for a client to read its last answer while it is still sending."""

LOOKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
LOOK_SECONDS = 1.0
"""Seconds between two checks whether a client that has ended its side is still there, after `LOOKS`."""


@dataclass(frozen=True, slots=True)
class Listener:
    """State that the connections of one listener share."""

    app: AppWrapper
    config: Config
    context: WorkerContext
    state: LifespanState
    limits: Limits
    resting: dict[Connection, None] = field(default_factory=dict)
    """Connections that wait for a request or the rest of its head, the longest first."""
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection begins to wait for a request, or ends."""


class Connection:
    """One connection; it lasts as long as `run`.

    A client may end its side and still expect its answer (`nc`, some of HTTP/1.0), or it may be gone: both
    look the same until bytes are sent to it. So the beginning of the answer is sent early, as far as it is
    known by then; the system of a client that is gone reports that.
    """

    def __init__(self, listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._listener = listener
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._first = b""  # bytes, until the protocol is known
        self._protocol: Http1 | Http2 | None = None
        self._group = TaskGroup(self._loop)
        self._writing = asyncio.Lock()
        self._ended = asyncio.Event()
        self._sent_before = b""  # bytes of the answer that were sent early
        self._timer: asyncio.TimerHandle | None = None
        self._amid_head = False

    async def run(self) -> None:
        """Serve the client until either side ends it. Raises errors that the protocols do not expect."""
        try:
            async with self._group:
                self._rest()
                await self._converse()
                if self._protocol is not None:
                    await self._protocol.handle(Closed())
        except* OSError:
            pass  # the client has disconnected
        finally:
            self.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    def close(self) -> None:
        """Send pending bytes, then end both sides."""
        self._set_timer(None)
        self._listener.resting.pop(self, None)
        self._ended.set()
        self._writer.close()

    def _finish(self) -> None:
        """Send pending bytes, then end this side, and let the client end its side.

        If both sides ended while bytes are unread, the client's system might discard what it has not read
        yet.
        """
        if self._ended.is_set():
            return
        self._ended.set()
        self._listener.resting.pop(self, None)
        self._set_timer(self.close, LINGER_SECONDS)
        with suppress(OSError, RuntimeError):  # it has ended meanwhile
            self._writer.write_eof()

    def abort(self) -> None:
        """End it at once, without sending pending bytes."""
        self._writer.transport.abort()

    async def _converse(self) -> None:
        while data := await self._read():
            if not self._ended.is_set():
                await self._take(data)
            await asyncio.sleep(0)  # a client that sends without a pause must not block all others
        if isinstance(self._protocol, Http1) and not self._ended.is_set():
            await self._protocol.handle(RawData(b""))
            if self._protocol.owes_answer:
                await self._listens_still(self._protocol)

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except OSError:
            self._ended.set()
            return b""

    async def _take(self, data: bytes) -> None:
        if self._protocol is None:
            data = self._first = self._first + data
            if len(data) >= len(PREFACE) or not PREFACE.startswith(data):
                self._protocol = self._speak(data)
                if isinstance(self._protocol, Http2):
                    await self._protocol.initiate()
        if self._protocol is not None:
            await self._protocol.handle(RawData(data))
        if not self._amid_head and self in self._listener.resting and not isinstance(self._protocol, Http2):
            self._amid_head = True
            self._set_timer(self._give_up_head, self._listener.limits.header_seconds)

    def _speak(self, data: bytes) -> Http1 | Http2:
        """Choose the protocol by the first bytes."""
        listener = self._listener
        protocol = Http2 if listener.limits.http2 and data.startswith(PREFACE) else Http1
        return protocol(
            listener.app,
            listener.config,
            listener.context,
            self._group,
            ConnectionState(listener.state),
            False,  # no TLS: a reverse proxy does that
            _address(self._writer.get_extra_info("peername")),
            _address(self._writer.get_extra_info("sockname")),
            self._send,
        )

    async def _send(self, event: Event) -> None:
        """Handle an event of the protocol."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            self._finish()
        elif isinstance(event, Updated) and event.idle:
            self._rest()
        elif isinstance(event, Updated):
            self._work()

    async def _write(self, data: bytes) -> None:
        async with self._writing:
            data, self._sent_before = data.removeprefix(self._sent_before), b""
            try:
                if self._writer.is_closing():
                    raise ConnectionResetError
                self._writer.write(data)
                await self._writer.drain()
                return
            except (OSError, RuntimeError):
                self._ended.set()
        if self._protocol is not None:
            await self._protocol.handle(Closed())

    def _rest(self) -> None:
        """Wait for the next request."""
        if self._listener.context.terminated.is_set():
            self.close()
        elif not self._ended.is_set():
            self._listener.resting[self] = None
            self._listener.stirred.set()
            self._amid_head = False
            self._set_timer(self.close, self._listener.limits.idle_seconds)

    def _work(self) -> None:
        """Stop the idle timeout while a request is answered."""
        self._listener.resting.pop(self, None)
        self._set_timer(None)

    def _give_up_head(self) -> None:
        self._group.spawn(self._refuse_head)

    async def _refuse_head(self) -> None:
        if isinstance(self._protocol, Http1):
            seconds = self._listener.limits.header_seconds
            await self._protocol.refuse(408, f"The request's head was not complete after {seconds:g} s.")
        self._finish()

    def _set_timer(self, action: Callable[[], None] | None, seconds: float = 0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, action) if action else None

    async def _listens_still(self, protocol: Http1) -> None:
        """Return once the answer has ended, or the client has disconnected."""
        async with self._writing:
            beginning, is_repeated = protocol.beginning()
            self._writer.write(beginning)
            self._sent_before = beginning if is_repeated else b""
        for seconds in chain(LOOKS, repeat(LOOK_SECONDS)):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), seconds)
            if self._ended.is_set() or self._is_gone():
                return

    def _is_gone(self) -> bool:
        peer: Any = self._writer.get_extra_info("socket")
        return self._writer.is_closing() or peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def _address(name: Any) -> tuple[str, int] | None:
    """Return host and port of a socket's name; None: the client had disconnected before."""
    return (name[0], name[1]) if name else None
