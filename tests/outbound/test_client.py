"""What a request to a foreign server says."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from govor.errors import UrlFailed
from govor.outbound.addresses import parse_url
from govor.outbound.client import _Line, _Pinned, fetch


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.org/a", "example.org"),
        ("https://example.org/a", "example.org"),
        ("https://example.org:443/a", "example.org"),
        ("https://example.org:80/a", "example.org:80"),
        ("http://example.org:443/a", "example.org:443"),
        ("https://[2606:4700::1111]/a", "[2606:4700::1111]"),
    ],
)
def test_the_host_is_named_without_the_port_that_goes_without_saying(url: str, host: str) -> None:
    """An address that is signed is signed with this very name."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = _Pinned(parse_url(url, "file_url"), [], _Line())
        connection.sock = ours
        connection.request("GET", "/a")
        assert f"\r\nHost: {host}\r\n" in theirs.recv(10_000).decode()


@contextmanager
def speaking(banner: bytes) -> Iterator[str]:
    """A service on loopback that says something of its own and hangs up; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(banner)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/a"
        thread.join()


@pytest.mark.parametrize(
    "banner",
    [
        b"-ERR secret of a Redis\r\n",
        b"SSH-2.0-OpenSSH secret\r\n",
        b"HTTP/1.1 secret secret\r\n",
        b"HTTP/1.1 404 secret\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nsecret" + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[secret/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: gopher://secret/\r\nContent-Length: 0\r\n\r\n",
        b"\x1b]0;secret\x07\r\n",
        b"",
    ],
)
def test_what_a_foreign_service_says_is_not_told(banner: bytes) -> None:
    async def call(url: str) -> None:
        await fetch(url, io.BytesIO(), limit=1000, private=True, param="file_url")

    with speaking(banner) as url, pytest.raises(UrlFailed) as caught:
        asyncio.run(call(url))
    assert str(caught.value).startswith("'file_url': 127.0.0.1 ") or "redirection" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()
