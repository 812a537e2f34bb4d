"""Connections end when their clients end them, and not before clients have their answers."""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

from support.clients.http2 import Connection
from support.waiting import eventually

CLOSE_WAIT, ESTABLISHED = 8, 1  # states of a socket in /proc/net/tcp
CLIENTS = 50

of_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")
GET = "GET {} HTTP/{}\r\nHost: x\r\n\r\n"


def by_http_1(port: int) -> Callable[[], None]:
    """Send a request; return the function that ends the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read()
    return connection.close


def by_http_2(port: int) -> Callable[[], None]:
    connection = Connection(port)
    connection.post("/", b"")
    connection.begin()
    return connection.close


def rest(client: socket.socket) -> bytes:
    found = b""
    while data := client.recv(65_536):
        found += data
    return found


def answer_of(data: bytes) -> bytes:
    """Return the body of a complete answer, as a client reads it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(ours)
        response.begin()
        assert response.status == 200
        return response.read()


@of_linux
@pytest.mark.parametrize("ask", [by_http_1, by_http_2])
def test_a_connection_ends_when_its_client_ends_it(site: Any, ask: Callable[[int], Any]) -> None:
    ends = [ask(site.port) for _ in range(CLIENTS)]
    assert site.sockets(ESTABLISHED) >= CLIENTS
    for end in ends:
        end()
    assert eventually(lambda: site.sockets(CLOSE_WAIT) + site.sockets(ESTABLISHED) == 0)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("path", ["/held", "/streamed"])
def test_a_client_that_has_only_ended_its_own_side_gets_its_answer(
    site: Any, path: str, version: str
) -> None:
    with site.connect() as client:
        client.sendall(GET.format(path, version).encode())
        assert eventually(lambda: site.app.begun == [path])
        client.shutdown(socket.SHUT_WR)
        found = client.recv(65_536)  # its beginning comes before the answer is known
        site.open_gate()
        found += rest(client)
    assert found.startswith(b"HTTP/1.1 200")
    ending = b" and more and the end" if path == "/streamed" else b""
    assert answer_of(found) == b'{"path": "%s", "host": "x"}' % path.encode() + ending
    assert site.app.left == []


@pytest.mark.parametrize("path", ["/held", "/streamed"])
def test_the_application_gets_the_disconnect_of_a_client(site: Any, path: str) -> None:
    with site.connect() as client:
        client.sendall(GET.format(path, "1.1").encode())
        assert eventually(lambda: site.app.begun == [path])
    assert eventually(lambda: site.app.left == [path])


def test_requests_sent_at_once_are_all_answered_after_the_client_has_ended_its_side(site: Any) -> None:
    with site.connect() as client:
        client.sendall(b"".join(GET.format(path, "1.1").encode() for path in ("/a", "/b", "/c")))
        client.shutdown(socket.SHUT_WR)
        assert rest(client).count(b"HTTP/1.1 200") == 3


def test_bytes_after_the_last_request_are_not_read(site: Any) -> None:
    with site.connect() as client:
        client.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /more HT")
        assert eventually(lambda: site.app.begun == ["/held"])
        client.sendall(b"TP/1.1\r\nHost: x\r\n\r\n")
        site.open_gate()
        found = rest(client)
    assert found.count(b"HTTP/1.1") == found.count(b"HTTP/1.1 200") == 1
    assert site.app.begun == ["/held"]


@pytest.mark.parametrize("last", [b"", b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: a\r\n"])
def test_a_websocket_that_is_refused_ends_its_connection(site: Any, last: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    assert site.ask(head + last + b"\r\nand more").startswith(b"HTTP/1.1 400")


def test_a_refusal_reaches_a_client_that_is_still_sending(site: Any) -> None:
    length = 3_000_000
    with site.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a..b\r\nContent-Length: %d\r\n\r\n" % length)
        client.sendall(bytes(length))
        assert rest(client).startswith(b"HTTP/1.1 400")


def test_a_body_that_ends_too_early_is_reported(site: Any) -> None:
    with site.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        client.shutdown(socket.SHUT_WR)
        assert rest(client).startswith(b"HTTP/1.1 400")


def test_a_client_that_leaves_without_a_word_takes_nothing_with_it(site: Any) -> None:
    site.connect().close()
    with site.connect() as client:
        client.sendall(b"G")
    assert site.ask(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_an_open_connection_takes_one_request_after_the_other(site: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read()
    assert connection.sock is not None
    connection.close()


def test_two_lengths_are_the_last_request_of_their_connection(site: Any) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = site.ask(head + b"0\r\n\r\n" + GET.format("/smuggled", "1.1").encode())
    assert found.lower().count(b"connection: close") == 1
    assert site.app.begun == ["/"]
