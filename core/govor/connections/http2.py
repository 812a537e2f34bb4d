"""Hypercorn's HTTP/2, corrected for resets, bad requests and unread bodies."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from typing import Any

import h2.events
import h2.exceptions
from h2.errors import ErrorCodes
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.h2 import H2Protocol

from govor.connections.limits import Allowance
from govor.connections.refusals import refusal
from govor.connections.request_checks import fault_of, fields_fault

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""First bytes of a client that knows of the server's HTTP/2: RFC 9113 3.4."""

HEAD_BYTES = 9
DATA, WINDOW_UPDATE, CONTINUATION = 0x0, 0x8, 0x9
CONTROL = frozenset({0x2, 0x3, 0x4, 0x6})
"""PRIORITY, RST_STREAM, SETTINGS and PING: a client needs few of them."""

RESETS, RESETS_PER_SECOND, SETTING_UP = 100, 10, 20
"""A client may reset all streams that it may have at once, and some more; rapid resets (CVE-2023-44487) are
hundreds of thousands. nghttp2 and Envoy allow 1000 and 33 a second, at a hundredth of the cost. All frames of
`CONTROL` count, and `SETTING_UP` more may come: settings, and pings of clients that measure the connection.
"""

SMALL, SMALL_PER_SECOND = 2000, 1000
"""Other frames with almost no content: window updates for answers, pieces of a body below `SMALL_BYTES`."""

SMALL_BYTES = 64
SETTINGS_BYTES = 64
"""Longest frame of `CONTROL` that counts as one; there are seven settings of six bytes (RFC 9113 6.5.2)."""

HEAD_LIST_BYTES = 2**14
"""Size of a request's fields, with 32 more for each, as RFC 9113 6.5.2 counts (Node: 16 kB). Beyond that the
connection ends: 1.5 kB may stand for 1,500 fields, which take h2 alone 12 ms.
"""

ENDLESS = 2**31
"""More streams than a connection can have (RFC 9113 5.1.1). Hypercorn's limit of requests, its protection
from rapid resets, would cut off the answers in progress.
"""


class Frames:
    """Reads the heads of frames, RFC 9113 4.1, from pieces of any size."""

    def __init__(self, skip: int):
        self._skip = skip  # bytes until the next head
        self._head = b""  # the part of it that has come

    def count(self, data: bytes) -> tuple[int, int]:
        """Return how many frames of `CONTROL` begin in the next piece, and how many other small ones."""
        control, small, at = 0, 0, 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
            else:
                step = min(HEAD_BYTES - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == HEAD_BYTES:
                    length, kind = int.from_bytes(self._head[:3], "big"), self._head[3]
                    control += (1 + length // SETTINGS_BYTES) * (kind in CONTROL)
                    small += kind in (WINDOW_UPDATE, CONTINUATION) or (kind == DATA and length < SMALL_BYTES)
                    self._skip, self._head = length, b""
            at += step
        return control, small


class Http2(H2Protocol):
    """One connection's streams. Made with Hypercorn's arguments; used by `Connection`."""

    def __init__(self, app: Any, config: Config, *others: Any):
        config = copy(config)
        config.keep_alive_max_requests = ENDLESS
        config.h2_max_header_list_size = HEAD_LIST_BYTES
        super().__init__(app, config, *others)
        self.connection.decoder.max_header_list_size = HEAD_LIST_BYTES  # from the first request on
        self._frames = Frames(skip=len(PREFACE))
        self._control = Allowance(RESETS + SETTING_UP, RESETS_PER_SECOND)
        self._small = Allowance(SMALL, SMALL_PER_SECOND)

    async def handle(self, event: Event) -> None:
        """Handle bytes of the client; frames are counted before they are parsed."""
        control, small = self._frames.count(event.data) if isinstance(event, RawData) else (0, 0)
        if self._control.take(control) and self._small.take(small):
            await super().handle(event)
        else:
            self.connection.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            await self._flush()
            await self.send(Closed())

    async def _handle_events(self, events: Sequence[h2.events.Event]) -> None:
        """Called by Hypercorn with each event; it fails on bodies of streams that have been answered."""
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.stream_id not in self.streams:
                self._give_back(event)
            else:
                await super()._handle_events([event])
        await self._flush()

    def _give_back(self, event: h2.events.DataReceived) -> None:
        """Open the connection's window again, so that the client's other streams can send."""
        with suppress(h2.exceptions.ProtocolError):  # the connection has ended meanwhile
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    async def _create_stream(self, request: h2.events.RequestReceived) -> None:
        """Called by Hypercorn with each request; h2 has checked its headers' form, but not their values."""
        if fault := fields_fault(len(request.headers)):
            self._refuse(request.stream_id, 431, fault, body=True)
            return
        given = dict(reversed(request.headers))
        host = given.get(b":authority", given.get(b"host", b""))
        method = given.get(b":method", b"")
        fault = fault_of(method, given.get(b":path", b""), host)
        if method == b"CONNECT":
            fault = "Neither tunnels nor WebSockets are served here."  # Hypercorn forgets some refusals
        if fault:
            self._refuse(request.stream_id, 400, fault, body=method != b"HEAD")
        else:
            await super()._create_stream(request)

    def _refuse(self, stream: int, status: int, message: str, *, body: bool) -> None:
        answer = refusal(status, message)
        headers = [(b":status", b"%d" % status), *answer.headers, *self.config.response_headers("h2")]
        try:
            self.connection.send_headers(stream, headers, end_stream=not body)
            if body:
                self.connection.send_data(stream, answer.body, end_stream=True)
        except h2.exceptions.FlowControlError:  # a client whose window is smaller than a line
            self.connection.reset_stream(stream, ErrorCodes.PROTOCOL_ERROR)
        except h2.exceptions.ProtocolError:
            pass  # the stream or the connection has ended meanwhile
