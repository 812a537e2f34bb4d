"""Invalid requests get a 400 in the form of the API's errors, and have no other effect."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

import govor.connections.http1
import govor.connections.http2
from govor.connections.request_checks import MOST_FIELDS, is_host, origin_form

HOSTS = {
    "a label of 64 letters": "a" * 64 + ".example",
    "254 letters": ".".join(["a" * 49] * 5) + ".abcd",
    "an empty label": "a..b",
    "a leading dot": ".a",
    "only a port": ":80",
    "a port that is no number": "a:b",
    "a port that is none": "a:65536",
    "two ports": "a:1:2",
    "a path": "a/b",
    "a user": "a@b",
    "spaces": "a b",
    "two names": "a, b",
    "letters that are no ASCII": "\xe9",
    "half an address": "[::1",
    "an address that is none": "[::::]",
    "an address without brackets": "::1",
    "a zone": "[fe80::1%eth0]",
}
GOOD_HOSTS = (
    "",
    "a",
    "a.",
    "a:",
    "a:80",
    "A-b_c.example:8000",
    "127.0.0.1:1",
    "[::1]",
    "[::1]:65535",
    "a" * 63,
)
OTHERS = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no path": b"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "half an address in the path": b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    "another scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
    "a header in two lines": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
}
PIECES = [
    b"GET ", b"POST ", b"PRI * ", b"OPTIONS * ", b"/", b"http://", b"%ff", b"?a=b", b" HTTP/1.1",
    b" HTTP/1.0", b"\r\n", b"\r\n\r\n", b"Host: x\r\n", b"Host: a..b\r\n", b"\x00", b"\xff",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\n", b"abc",
    b"Connection: upgrade\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n", b"Upgrade: h2c\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"Sec-WebSocket-Version: 13\r\n",
    b"3\r\nabc\r\n", b"Cookie: \x80\r\n",
]  # fmt: skip
SEEDS = range(300)


def error_of(answer: bytes, status: int = 400) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), answer
    assert b"\r\nconnection: close" in head.lower()
    return dict(json.loads(body)["error"])


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_host_that_is_none_is_refused(site: Any, host: str) -> None:
    error = error_of(site.ask(b"GET / HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n"))
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "bad_request", None)
    assert site.app.begun == []


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_a_host_that_may_be_one_is_not(host: str) -> None:
    assert is_host(host.encode())


@pytest.mark.parametrize("request_", OTHERS.values(), ids=OTHERS)
def test_invalid_requests_are_refused(site: Any, request_: bytes) -> None:
    error = error_of(site.ask(request_))
    assert error["code"] == "bad_request"
    assert error["message"].endswith(".")
    assert site.app.begun == []


def test_the_answer_to_head_has_no_body(site: Any) -> None:
    answer = site.ask(b"HEAD / HTTP/1.1\r\nHost: a..b\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.endswith(b"\r\n\r\n")


def test_another_version_is_refused(site: Any) -> None:
    error_of(site.ask(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505)


def test_a_head_without_end_is_refused(site: Any) -> None:
    error = error_of(site.ask(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 17_000), 431)
    assert error["code"] == "headers_too_large"


def test_more_fields_than_a_request_has_are_refused(site: Any) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    error = error_of(site.ask(head + b"a:\r\n" * 3000 + b"\r\n"), 431)
    assert error["code"] == "headers_too_large"
    assert site.ask(head + b"a:\r\n" * (MOST_FIELDS - 2) + b"\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://other/path?query", "/path", "other"),
        ("HTTPS://other:1/", "/", "other:1"),
        ("http://other", "/", "other"),
        ("http://other?query", "/", "other"),
        ("/http://other/", "/http://other/", "x"),
    ],
)
def test_a_target_with_a_host_is_a_path_of_that_host(site: Any, target: str, path: str, host: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    body = site.ask(head.encode()).partition(b"\r\n\r\n")[2]
    assert json.loads(body) == {"path": path, "host": host}


def test_the_query_of_a_target_with_a_host_stays() -> None:
    assert origin_form(b"http://other?query") == (b"/?query", b"other")


def test_random_requests_leave_no_word_in_the_log(site: Any, caplog: Any) -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        start = rng.choice([b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n"])
        with site.connect() as client:
            client.sendall(start + b"".join(rng.choices(PIECES, k=rng.randrange(12))))
    assert site.ask(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert caplog.records == []


OVERRIDDEN = {
    govor.connections.http1.Http1: (
        "_send_error_response",
        "_check_protocol",
        "_create_stream",
        "stream_send",
    ),
    govor.connections.http2.Http2: ("_handle_events", "_create_stream", "_flush"),
}


@pytest.mark.parametrize("protocol", OVERRIDDEN)
def test_the_replaced_methods_of_hypercorn_exist(protocol: type[Any]) -> None:
    assert all(hasattr(protocol.__base__, name) for name in OVERRIDDEN[protocol])
