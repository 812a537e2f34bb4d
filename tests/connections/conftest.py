"""A small application behind the connections' server, and clients with raw sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from govor.cli.serve.lifecycle import hypercorn_config
from govor.cli.serve.sockets import bind
from govor.connections.limits import Limits
from govor.connections.server import serve
from govor.settings import Settings


@dataclass
class Echo:
    """Answers every request with its own content, in the way that the path names.

    /held waits until `gate` is set; /streamed sends a first piece before, and the rest in pieces after it.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Paths whose clients disconnected before their answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        self.begun.append(scope["path"])
        if scope["path"] != "/early":
            while (await receive()).get("more_body"):
                pass
        body = json.dumps({"path": scope["path"], "host": _host(scope)}).encode()
        if scope["path"] == "/streamed":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body, "more_body": True})
        if scope["path"] in ("/held", "/streamed") and not await self._passed(receive):
            self.left.append(scope["path"])
            return
        if scope["path"] == "/streamed":
            await send({"type": "http.response.body", "body": b" and more", "more_body": True})
            await send({"type": "http.response.body", "body": b" and the end"})
            return
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _passed(self, receive: Any) -> bool:
        """Wait for the gate; return False if the client has disconnected."""
        gone, passed = asyncio.ensure_future(receive()), asyncio.ensure_future(self.gate.wait())
        await asyncio.wait({gone, passed}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        passed.cancel()
        return self.gate.is_set()


def _host(scope: Any) -> str:
    return next((value.decode() for name, value in scope["headers"] if name == b"host"), "")


@dataclass
class Site:
    """A server on loopback."""

    port: int
    app: Echo
    loop: asyncio.AbstractEventLoop

    def open_gate(self) -> None:
        """Let held requests be answered."""
        self.loop.call_soon_threadsafe(self.app.gate.set)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def ask(self, request: bytes) -> bytes:
        """Send bytes on a connection of its own; return the answer up to its end."""
        with self.connect() as client:
            client.sendall(request)
            return rest(client)

    def sockets(self, state: int) -> int:
        """Return how many of the server's own sockets are in a state."""
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(int(one[1].split(":")[1], 16) == self.port and int(one[3], 16) == state for one in lines)


def rest(client: socket.socket) -> bytes:
    """Return all bytes until the server ends the connection."""
    found = b""
    while data := client.recv(65_536):
        found += data
    return found


@pytest.fixture
def listen() -> Iterator[Callable[..., Site]]:
    """Start a server with its own limits, its application within another; it ends with the test."""
    ends: list[Callable[[], None]] = []

    def start(within: Callable[[Any], Any] = lambda app: app, **limits: Any) -> Site:
        app = Echo()
        bound = bind(Settings(port=0))[0]
        loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        ready = threading.Event()

        async def main() -> None:
            stop = asyncio.Event()
            loops.append((asyncio.get_running_loop(), stop))
            ready.set()
            bounds = Limits(**{"idle_seconds": 75.0, "http2": True, **limits})
            await serve(within(app), hypercorn_config(), [bound], bounds, stop.wait)

        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        assert ready.wait(10)

        loop, stop = loops[0]
        site = Site(bound.getsockname()[1], app, loop)

        def end() -> None:
            site.open_gate()
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            assert not thread.is_alive(), "the server did not end"

        ends.append(end)
        return site

    yield start
    for end in ends:
        end()


@pytest.fixture
def site(listen: Callable[..., Site]) -> Site:
    """A server with the usual limits."""
    return listen()
