"""A client with `Expect: 100-continue` gets a 100 when the application reads its body, and not before."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from govor.api.body.early_answers import Bodies
from govor.api.body.reading import Pace
from support.processes.servers import form
from support.sound import media
from support.waiting import eventually

CONTINUE = b"HTTP/1.1 100 "


def head(length: int, kind: str, more: str = "") -> bytes:
    lines = f"Host: x\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\nExpect: 100-continue\r\n{more}"
    return f"POST /v1/audio/transcriptions HTTP/1.1\r\n{lines}\r\n".encode()


def ask(server: Any, request: bytes, body: bytes = b"") -> list[bytes]:
    """Send a head, and its body after the 100; return the answer before the body, and the rest."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as client:
        client.sendall(request)
        first = client.recv(65_536)
        if first.startswith(CONTINUE):
            client.sendall(body)
        answer = b""
        while data := client.recv(65_536):
            answer += data
        return [first, answer]


@pytest.fixture
def guarded(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server with a key and a cap of 1 MB; if it waits for the rest of a body, it waits an hour."""
    monkeypatch.setattr("govor.app.Bodies", partial(Bodies, seconds=3600))
    return serve(api_keys=("right",), max_upload_mb=1, preload=())


def test_a_body_that_is_wanted_is_asked_for_once(guarded: Any) -> None:
    kind, body = form(media.silence(0.5), {"model": "echo"})
    more = "Authorization: Bearer right\r\nConnection: close\r\n"
    first, answer = ask(guarded, head(len(body), kind, more), body)
    assert first.startswith(CONTINUE)
    assert (first + answer).count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 200" in first + answer


@pytest.mark.parametrize(
    ("length", "more", "status"),
    [(1000, "", b"401"), (1000, "Authorization: Bearer wrong\r\n", b"401"),
     (2_000_000, "Authorization: Bearer right\r\n", b"413")],
)  # fmt: skip
def test_a_body_that_is_refused_is_not_asked_for(guarded: Any, length: int, more: str, status: bytes) -> None:
    first, _ = ask(guarded, head(length, "multipart/form-data; boundary=x", more))
    assert first.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in first.lower(), "nobody knows what the client sends next"


def test_a_body_that_comes_without_waiting_is_taken(guarded: Any) -> None:
    kind, body = form(media.silence(0.5), {"model": "echo"})
    more = "Authorization: Bearer right\r\nConnection: close\r\n"
    first, answer = ask(guarded, head(len(body), kind, more) + body)
    assert (first + answer).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("length", "more", "status"),
    [(900_000, "", b"401"), (5_000_000, "Authorization: Bearer right\r\n", b"413")],
)
def test_a_body_that_comes_without_waiting_costs_no_client_its_refusal(
    guarded: Any, length: int, more: str, status: bytes
) -> None:
    request = head(length, "multipart/form-data; boundary=x", f"{more}Connection: close\r\n")
    first, answer = ask(guarded, request + bytes(length))
    assert first.startswith(b"HTTP/1.1 " + status)
    assert (first + answer).endswith(b"}\n"), "the body of the refusal is there"


@pytest.mark.parametrize(("path", "length"), [("/held", None), ("/held", 0), ("/streamed", 5)])
def test_a_client_that_says_it_would_wait_is_missed_when_it_leaves(
    listen: Callable[..., Any], path: str, length: int | None
) -> None:
    site = listen(lambda app: Bodies(app, lambda path: 100_000, Pace))
    line = "" if length is None else f"Content-Length: {length}\r\n"
    with site.connect() as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{line}\r\n".encode())
        if path == "/streamed":
            assert client.recv(100).startswith(b"HTTP/1.1 200"), "its body is asked for by nobody"
        else:
            assert eventually(lambda: site.app.begun == [path])
    assert eventually(lambda: site.app.left == [path])


def test_an_application_that_reads_has_the_body_asked_for(site: Any) -> None:
    first, answer = ask(site, head(3, "text/plain", "Connection: close\r\n"), b"abc")
    assert first.startswith(CONTINUE)
    assert answer.startswith(b"HTTP/1.1 200")


def test_an_application_that_answers_early_has_it_not(site: Any) -> None:
    request = head(3, "text/plain").replace(b"/v1/audio/transcriptions", b"/early")
    first, _ = ask(site, request)
    assert first.startswith(b"HTTP/1.1 200")
