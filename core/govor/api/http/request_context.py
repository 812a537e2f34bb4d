"""The outermost layer: gives each request an id and its client's address, counts, times and reports it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

from govor.api.body.uploads import Message, Receive, Scope, Send
from govor.api.http.cors import CrossOrigin
from govor.api.http.forwarded import outermost_hop
from govor.api.http.paths import Paths
from govor.api.http.security_headers import usual_headers
from govor.engine.service import Service
from govor.observe.hub import ObserverHub
from govor.observe.request import CLIENT_LEFT, CURRENT, RequestRecord

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_ID = re.compile(r"[!-~]{1,128}")
"""A client's x-request-id that is fit to be used: the log contains it too."""

REFUSAL = "websocket.http.response.start"
"""First message of an answer that refuses a WebSocket; its connection is not used again."""


class RequestContextMiddleware:
    """Wraps an ASGI application."""

    def __init__(self, app: Application, service: Service, watch: ObserverHub, paths: Paths):
        self._app = app
        self._paths = paths
        self._service = service
        self._watch = watch
        self._cross_origin = CrossOrigin(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, a WebSocket or the server's lifespan."""
        if scope["type"] == "http":
            await self._record(scope, receive, send)
        elif scope["type"] == "websocket":
            self._watch.socket(1)
            try:
                await self._record(scope, receive, send)
            finally:
                self._watch.socket(-1)
        else:
            await self._app(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        scope["path"] = self._paths.spelled(scope["path"], scope.get("method", "GET"))
        client = client_address(scope, self._service.settings.trusted_proxies)
        scope["client"] = (client, 0)  # Quart takes it for the remote address
        given = _header(headers, b"x-request-id")
        record = RequestRecord(
            id=given if REQUEST_ID.fullmatch(given) else uuid4().hex,
            client=client,
            method=scope.get("method", "GET"),  # a WebSocket's handshake
            path=scope["path"],
            parent=_header(headers, b"traceparent"),
        )
        token = CURRENT.set(record)
        in_flight = self._service.in_flight
        in_flight.enter(record)
        self._watch.came(record)
        answer = self._labelling(record, scope, send)
        try:
            if scope["type"] != "http" or not await self._cross_origin.preflight(scope, answer):
                await self._app(scope, _noting(record, receive), answer)
        finally:
            if record.departed and not record.answered:
                record.status = CLIENT_LEFT  # even if an answer had begun
            in_flight.exit(record)
            self._watch.left(record)
            CURRENT.reset(token)

    def _labelling(self, record: RequestRecord, scope: Scope, send: Send) -> Send:
        """Return a `send` that adds the headers common to all answers."""

        async def answer(message: Message) -> None:
            if message["type"] in ("http.response.start", REFUSAL):
                record.status = message["status"]
                more = [(b"x-request-id", record.id.encode()), *self._cross_origin.headers(scope)]
                last = self._service.in_flight.draining or message["type"] == REFUSAL
                if last and scope["http_version"].startswith("1"):
                    more.append((b"connection", b"close"))
                given = message.get("headers", ())
                message = {**message, "headers": [*given, *more, *usual_headers(given)]}
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                record.answered = True

        return answer


def _noting(record: RequestRecord, receive: Receive) -> Receive:
    """Return a `receive` that records that the client has disconnected."""

    async def read() -> Message:
        message = await receive()
        if message["type"] == "http.disconnect":
            record.departed = True
        return message

    return read


def client_address(scope: Scope, proxies: int) -> str:
    """Return the client's address, as the outermost of so many proxies reports it."""
    peer = str((scope.get("client") or ("",))[0])
    return _plain_address(outermost_hop(scope["headers"], proxies).client) or peer


def _plain_address(text: str) -> str:
    """Return an address without port and brackets; "" if the text is no address."""
    inside = re.fullmatch(r"\[([^\]]+)\](?::\d+)?", text) or re.fullmatch(r"([\d.]+):\d+", text)
    try:
        return str(ip_address(inside[1] if inside else text))
    except ValueError:
        return ""


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")


def annotate(**known: Any) -> None:
    """Record what a route knows about its request."""
    record = CURRENT.get()
    if record is not None:
        for name, value in known.items():
            setattr(record, name, value)
