"""HTTP/2 without TLS: for clients that begin with it, unless it is off, and with limited rates of frames."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from h2.errors import ErrorCodes

from govor.connections.http2 import PREFACE, RESETS, SETTING_UP, Frames
from govor.connections.request_checks import MOST_FIELDS
from support.waiting import eventually

GOOD = {":method": "GET", ":path": "/", ":scheme": "http", ":authority": "x"}
UPGRADES = {
    "named by nobody": "Upgrade: h2c",
    "without settings": "Connection: Upgrade\r\nUpgrade: h2c",
    "by the rules": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
}


class Client:
    """Sends any headers, and keeps all events."""

    def __init__(self, site: Any):
        config = h2.config.H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="latin-1"
        )
        self.frames = h2.connection.H2Connection(config)
        self.socket: socket.socket = site.connect()
        self.frames.initiate_connection()
        self.events: list[Any] = []

    def ask(self, *, end: bool = True, fields: int = 0, **changed: str | None) -> int:
        """Begin a request: GOOD and `fields` more, with these pseudo headers instead; None leaves one out."""
        headers = {**GOOD, **{f":{name}": value for name, value in changed.items()}}
        stream = self.frames.get_next_available_stream_id()
        given = [(name, value) for name, value in headers.items() if value is not None]
        self.frames.send_headers(stream, given + [("a", "")] * fields, end_stream=end)
        return stream

    def send(self) -> None:
        self.socket.sendall(self.frames.data_to_send())

    def wait_for(self, kind: Any, stream: int | None = None) -> Any:
        """Return the first event of a kind, of one stream; None if the server disconnects before."""
        self.send()
        while True:
            for event in self.events:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    return event
            data = self.socket.recv(65_536)
            if not data:
                return None
            self.events += self.frames.receive_data(data)
            self.send()

    def status(self, stream: int) -> str:
        return str(dict(self.wait_for(h2.events.ResponseReceived, stream).headers)[":status"])

    def body(self, stream: int) -> bytes:
        self.wait_for(h2.events.StreamEnded, stream)
        pieces = (event for event in self.events if isinstance(event, h2.events.DataReceived))
        return b"".join(event.data for event in pieces if event.stream_id == stream)


@pytest.fixture
def client(site: Any) -> Any:
    """A client of a server with the usual limits."""
    client = Client(site)
    yield client
    client.socket.close()


def test_a_client_that_begins_with_http_2_is_answered_in_it(client: Client) -> None:
    stream = client.ask()
    assert client.status(stream) == "200"
    assert json.loads(client.body(stream)) == {"path": "/", "host": "x"}


def test_its_beginning_may_come_in_pieces(site: Any) -> None:
    client = Client(site)
    client.ask()
    for byte in client.frames.data_to_send():
        client.socket.sendall(bytes([byte]))
    assert client.status(1) == "200"
    client.socket.close()


def test_where_http_2_is_off_it_is_refused_and_http_1_goes_on(listen: Any) -> None:
    site = listen(http2=False)
    assert site.ask(PREFACE).startswith(b"HTTP/1.1 505")
    assert site.ask(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("body", [b"", b"abc"], ids=["without a body", "with a body"])
@pytest.mark.parametrize("headers", UPGRADES.values(), ids=UPGRADES)
def test_nobody_is_upgraded_to_http_2(site: Any, headers: str, body: bytes) -> None:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"POST / HTTP/1.1\r\nHost: x\r\n{length}{headers}\r\n\r\n".encode()
    close = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert site.ask(head + body + close).count(b"HTTP/1.1 200") == 2


def test_a_client_may_give_up_all_that_it_has_begun(client: Client) -> None:
    streams = [client.ask(path="/held") for _ in range(RESETS)]
    for stream in streams:
        client.frames.reset_stream(stream)
    assert client.status(client.ask()) == "200"


def test_a_client_that_resets_without_end_is_sent_away_before_it_makes_work(
    client: Client, site: Any
) -> None:
    for _ in range(20 * RESETS):
        client.frames.reset_stream(client.ask())
    end = client.wait_for(h2.events.ConnectionTerminated)
    assert end.error_code == ErrorCodes.ENHANCE_YOUR_CALM
    assert client.socket.recv(1) == b""
    assert len(site.app.begun) <= RESETS + SETTING_UP
    assert site.ask(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


FLOODS = {
    "pings": b"\0\0\x08\x06\0\0\0\0\0" + b"12345678",
    "settings": b"\0\0\0\x04\0\0\0\0\0",
    "long settings": b"\x00\x38\x40\x04\0\0\0\0\0" + b"\0\x04\0\0\xff\xff" * 2400,
    "priorities": b"\0\0\x05\x02\0\0\0\0\x01" + b"\0\0\0\0\x10",
    "windows": b"\0\0\x04\x08\0\0\0\0\0" + b"\0\0\0\x01",
    "empty data": b"\0\0\0\0\0\0\0\0\x01",
}


@pytest.mark.parametrize("frame", FLOODS.values(), ids=FLOODS)
def test_a_client_that_sends_small_frames_without_end_is_sent_away(client: Client, frame: bytes) -> None:
    client.ask(method="POST", path="/held", end=False)
    client.send()
    with suppress(ConnectionError):
        client.socket.sendall(frame * (200_000 // len(frame) + 1))
    end = client.wait_for(h2.events.ConnectionTerminated)
    assert end is None or end.error_code == ErrorCodes.ENHANCE_YOUR_CALM
    assert end is not None or client.socket.recv(1) == b""


def test_a_stream_that_is_given_up_leaves_the_others_alone(client: Client, site: Any) -> None:
    held, other = client.ask(path="/held"), client.ask(path="/held")
    client.send()
    assert eventually(lambda: len(site.app.begun) == 2)
    client.frames.reset_stream(held)
    client.send()
    assert eventually(lambda: site.app.left == ["/held"])
    site.open_gate()
    assert client.status(other) == "200"


@pytest.mark.parametrize("size", [1, 7, 9, 1000])
def test_resets_are_counted_in_pieces_of_any_size(size: int) -> None:
    frames = h2.connection.H2Connection()
    frames.initiate_connection()
    for _ in range(5):
        stream = frames.get_next_available_stream_id()
        frames.send_headers(stream, list(GOOD.items()))
        frames.send_data(stream, b"\x03" * 100)
        frames.reset_stream(stream)
    data, counting = frames.data_to_send(), Frames(skip=len(PREFACE))
    counts = [counting.count(data[at : at + size]) for at in range(0, len(data), size)]
    assert sum(control for control, _ in counts) == 5 + 1  # and the client's settings
    assert sum(small for _, small in counts) == 0


def test_more_than_a_thousand_requests_pass_through_one_connection(client: Client) -> None:
    for _ in range(1100):
        stream = client.ask()
        assert client.wait_for(h2.events.StreamEnded, stream)
        client.events.clear()


def test_an_unread_body_does_not_end_the_connection(client: Client) -> None:
    stream = client.ask(method="POST", path="/early", end=False)
    assert client.status(stream) == "200"
    client.wait_for(h2.events.StreamEnded, stream)
    client.frames.send_data(stream, b"late")
    client.frames.send_data(stream, b"later", end_stream=True)
    assert client.status(client.ask()) == "200"


ODD: dict[str, dict[str, str | None]] = {
    "a method that is no name": {"method": "G\xe9T"},
    "a method with a space": {"method": "GET /"},
    "a path without a slash": {"path": "?x"},
    "a path that is no ASCII": {"path": "/\xff"},
    "an asterisk": {"path": "*"},
    "a host with a long label": {"authority": "a" * 64},
    "a host with an empty label": {"authority": "a..b"},
    "a host that is no ASCII": {"authority": "\xe9"},
}


@pytest.mark.parametrize("headers", ODD.values(), ids=ODD)
def test_odd_pseudo_headers_are_refused_and_the_connection_goes_on(
    client: Client, site: Any, headers: Any, caplog: Any
) -> None:
    stream = client.ask(**headers)
    assert client.status(stream) == "400"
    assert json.loads(client.body(stream))["error"]["code"] == "bad_request"
    assert client.status(client.ask()) == "200"
    assert site.app.begun == ["/"]
    assert caplog.records == []


def test_more_fields_than_a_request_has_are_refused_and_the_connection_goes_on(
    client: Client, site: Any
) -> None:
    stream = client.ask(fields=MOST_FIELDS)
    assert client.status(stream) == "431"
    assert json.loads(client.body(stream))["error"]["code"] == "headers_too_large"
    assert client.status(client.ask(fields=MOST_FIELDS - len(GOOD))) == "200"
    assert site.app.begun == ["/"]


def test_fields_that_take_a_byte_each_end_the_connection(client: Client, site: Any) -> None:
    for _ in range(20):
        client.ask(fields=1500)
    end = client.wait_for(h2.events.ConnectionTerminated)
    assert end.error_code == ErrorCodes.ENHANCE_YOUR_CALM
    assert site.app.begun == []


def test_an_odd_request_may_have_a_body(client: Client) -> None:
    stream = client.ask(authority="a..b", method="POST", end=False)
    client.frames.send_data(stream, b"abc")
    client.frames.send_data(stream, b"def", end_stream=True)
    assert client.status(stream) == "400"
    assert client.status(client.ask()) == "200"


@pytest.mark.parametrize("missing", ["method", "path", "scheme", "authority"])
def test_missing_pseudo_headers_end_the_connection_without_a_word_in_the_log(
    client: Client, site: Any, missing: str, caplog: Any
) -> None:
    client.ask(**{missing: None})
    assert client.wait_for(h2.events.ConnectionTerminated)
    assert site.ask(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert caplog.records == []


@pytest.mark.parametrize("more", [{}, {"protocol": "websocket"}], ids=["a tunnel", "a WebSocket"])
def test_connect_is_refused_without_a_word_in_the_log(
    client: Client, site: Any, more: dict[str, str], caplog: Any
) -> None:
    client.ask(method="CONNECT", **more)
    assert client.wait_for((h2.events.ConnectionTerminated, h2.events.ResponseReceived))
    assert site.ask(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert caplog.records == []
