"""What a request to a foreign server says."""

from __future__ import annotations

import socket

import pytest

from govor.remote.addresses import parse_url
from govor.remote.exchange import _Line, _Pinned


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
