"""Servers in a thread, on a free port of loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from govor.cli.serve.lifecycle import run
from govor.cli.serve.sockets import bind
from govor.engine.service import Service
from govor.plugins import Plugins
from govor.settings import Settings

START_SECONDS = 60


@dataclass
class Server:
    """A server on loopback."""

    url: str
    service: Service
    loop: asyncio.AbstractEventLoop
    port: int
    _stop: Callable[[], bool]

    def stop(self) -> bool:
        """End the server before the test does; tell whether it ended."""
        return self._stop()

    def client(self, **kwargs: Any) -> httpx.Client:
        """A plain HTTP client of it."""
        return httpx.Client(base_url=self.url, timeout=120, **kwargs)

    def post(self, path: Path | bytes, **fields: Any) -> httpx.Response:
        """Send one recording to /v1/audio/transcriptions."""
        content = path if isinstance(path, bytes) else path.read_bytes()
        name = "audio" if isinstance(path, bytes) else path.name
        with self.client() as client:
            return client.post("/v1/audio/transcriptions", files={"file": (name, content)}, data=fields)


@contextmanager
def serving(settings: Settings, plugins: Plugins | None = None) -> Iterator[Server]:
    """Run a server in a thread, on a free port, until the block ends; plugins' listeners run too."""
    if plugins is None:
        tables = {"wyoming": {"port": 0}, **settings.plugins}
        settings = settings.model_copy(update={"plugins": tables})
    service = Service(settings, plugins)
    bound = bind(settings.model_copy(update={"port": 0}))
    port = bound[0].getsockname()[1]
    ready, stopping = threading.Event(), []

    async def main() -> None:
        stop = asyncio.Event()
        stopping.append((asyncio.get_running_loop(), stop))
        ready.set()
        await run(service, bound, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name=f"server {port}")
    thread.start()
    assert ready.wait(START_SECONDS)
    loop, stop = stopping[0]

    def end() -> bool:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
            thread.join(START_SECONDS)
        return not thread.is_alive()

    try:
        yield Server(f"http://127.0.0.1:{port}", service, loop, port, end)
    finally:
        assert end(), "the server did not stop"


def form(content: bytes, fields: Mapping[str, str]) -> tuple[str, bytes]:
    """Return content type and body of a form with a recording."""
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    file = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return "multipart/form-data; boundary=x", parts.encode() + file.encode() + content + b"\r\n--x--\r\n"


def send_unread(server: Server, path: str, content: bytes, buffer: int = 0, **fields: str) -> socket.socket:
    """Send a form with a recording; return the connection. Of the unread answer, `buffer` bytes fit in."""
    kind, body = form(content, fields)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nContent-Type: {kind}\r\n\r\n"
    connection = socket.socket()
    connection.settimeout(10)
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(head.encode() + body)
    return connection
