"""Hypercorn's HTTP/1.1, corrected for bad requests, upgrades and ambiguous lengths."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import h11
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import EndBody, Response
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import HTTPStream

from govor.connections.expect_continue import WAITS
from govor.connections.refusals import refusal
from govor.connections.request_checks import fault_of, fields_fault, origin_form

LAST = (b"connection", b"close")


class _Refused(Exception):
    """The request has been answered with an error."""


class _Parser(h11.Connection):
    """Ignores bytes after a client's last request, which must not be processed (RFC 9112 9.6).

    Otherwise h11 fails on them, and Hypercorn sends that error in place of the answer.
    """

    def receive_data(self, data: bytes) -> None:
        if not self._has_said_all():
            super().receive_data(data)

    def next_event(self) -> Any:
        return h11.NEED_DATA if self._has_said_all() else super().next_event()

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """False: Hypercorn would ask for the body before the application has seen the head."""
        return False

    @property
    def waits_to_be_asked(self) -> bool:
        """Whether the client sends its body only after a 100 Continue."""
        return bool(super().they_are_waiting_for_100_continue)

    def _has_said_all(self) -> bool:
        return self.their_state in (h11.MUST_CLOSE, h11.CLOSED)


class Http1(H11Protocol):
    """One connection's requests. Made with Hypercorn's arguments; used by `Connection`."""

    def __init__(self, app: Any, config: Config, *others: Any):
        super().__init__(self._asking(app), config, *others)
        self.connection = _Parser(h11.SERVER, max_incomplete_event_size=config.h11_max_incomplete_size)
        self._last = False
        self._in_chunks = False
        self._version = b""

    @property
    def owes_answer(self) -> bool:
        """Whether a complete request has come whose answer has not ended."""
        whole = self.connection.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
        return whole and isinstance(self.stream, HTTPStream)

    def beginning(self) -> tuple[bytes, bool]:
        """Return bytes that can be sent early, and whether the answer will begin with them in any case.

        A status line begins with its version. The size of a chunk may have leading zeros (RFC 9112 7.1), that
        of the last one too. b"": no such bytes are known.
        """
        state = self.connection.our_state
        if state is h11.SEND_RESPONSE:
            return b"HTTP/1.1 ", True
        return (b"0", False) if state is h11.SEND_BODY and self._in_chunks else (b"", False)

    async def handle(self, event: Event) -> None:
        """Handle bytes of the client, or its end."""
        try:
            await super().handle(event)
        except _Refused:
            await self.send(Closed())

    async def stream_send(self, event: StreamEvent) -> None:
        """Send the application's answer."""
        if isinstance(event, Response):
            names = {name.lower() for name, _ in event.headers}
            known = b"content-length" in names or event.status_code < 200
            self._in_chunks = not known and self._version == b"1.1"
            if (self._last or self._waits_to_be_asked) and event.status_code >= 200:
                event = replace(event, headers=[*event.headers, LAST])
        await super().stream_send(event)
        if isinstance(event, EndBody) and isinstance(self.connection, H11WSConnection):
            await self.send(Closed())  # a WebSocket was refused; Hypercorn would wait for more

    @property
    def _waits_to_be_asked(self) -> bool:
        return isinstance(self.connection, _Parser) and self.connection.waits_to_be_asked

    def _asking(self, app: Any) -> Any:
        """Return an application that sends 100 Continue when it first reads the body."""

        async def asking(scope: Any, receive: Any, *others: Any) -> None:
            async def ask() -> Any:
                if self._waits_to_be_asked and self.stream is not None:
                    headers = self.config.response_headers("h11")
                    await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=headers))
                return await receive()

            scope["extensions"][WAITS] = lambda: self._waits_to_be_asked
            await app(scope, ask, *others)

        return asking

    async def refuse(self, status: int, message: str, *, body: bool = True) -> None:
        """Answer in place of the application; the connection is not used again."""
        answer = refusal(status, message)
        headers = [*answer.headers, LAST, *self.config.response_headers("h11")]
        data = self.connection.send(h11.Response(status_code=status, headers=headers)) or b""
        if body:
            data += self.connection.send(h11.Data(data=answer.body)) or b""
        await self.send(RawData(data=data))

    async def _send_error_response(self, status_code: int) -> None:
        """Called by Hypercorn while it handles h11's exception, which alone has the reason."""
        error = sys.exception()
        reason = f": {str(error).partition(': bytearray')[0].rstrip('.')}" if error else ""
        await self.refuse(status_code, f"The request is not proper HTTP/1.1{reason}.")

    async def _check_protocol(self, event: h11.Request) -> None:
        """Called by Hypercorn with each head, to find requests for HTTP/2.

        None is upgraded. An upgrade to h2c may be ignored (RFC 9110 7.8), and HTTP/2 no longer defines it
        (RFC 9113 3.1). A client that knows of the server's HTTP/2 begins with it, and never gets here.
        """
        with_body = event.method != b"HEAD"
        if fault := fields_fault(len(event.headers)):
            await self.refuse(431, fault, body=with_body)
            raise _Refused
        if event.http_version not in (b"1.0", b"1.1"):
            await self.refuse(505, "HTTP/1.1 and HTTP/1.0 are spoken here.", body=with_body)
            raise _Refused
        self._version = event.http_version
        headers = {name.lower(): value for name, value in event.headers}  # h11 lets one Host through
        path, named = origin_form(event.target)
        host = headers.get(b"host", b"") if named is None else named
        if fault := fault_of(event.method, path, host):
            await self.refuse(400, fault, body=with_body)
            raise _Refused
        # With two lengths, a proxy in front may have used the other one (RFC 9112 6.3).
        self._last = b"content-length" in headers and b"transfer-encoding" in headers

    async def _create_stream(self, request: h11.Request) -> None:
        """Called by Hypercorn with each head; whatever form its target has, the application gets a path."""
        path, host = origin_form(request.target)
        if host is not None:
            headers = [pair for pair in request.headers if pair[0].lower() != b"host"]
            request = h11.Request(
                method=request.method,
                target=path,
                headers=[(b"host", host), *headers],
                http_version=request.http_version,
            )
        await super()._create_stream(request)
