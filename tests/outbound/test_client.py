"""Requests to other servers: their content, and their addresses."""

from __future__ import annotations

import asyncio
import io
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from govor.errors import UrlFailed
from govor.outbound import client
from govor.outbound.addresses import parse_url
from govor.outbound.client import _request_to, fetch, post
from support.clients.receivers import Receiver, receiving


def fetched(url: str) -> bytes:
    """Return the content of an address, which may be on this machine."""
    into = io.BytesIO()
    asyncio.run(fetch(url, into, limit=1_000_000, private=True, param="file_url"))
    return into.getvalue()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.org/a", "example.org"),
        ("https://example.org/a", "example.org"),
        ("https://example.org:443/a", "example.org"),
        ("https://example.org:80/a", "example.org:80"),
        ("http://example.org:443/a", "example.org:443"),
        ("https://[2606:4700::1111]/a", "[2606:4700::1111]"),
        ("https://[2606:4700::1111]:8443/a", "[2606:4700::1111]:8443"),
    ],
)
def test_the_host_is_named_without_the_port_that_goes_without_saying(url: str, host: str) -> None:
    """A signed URL is signed with exactly this name."""
    request = _request_to("192.0.2.1", "GET", parse_url(url, "file_url"), {}, None)
    assert request.url.host == "192.0.2.1"
    assert request.headers.get_list("host") == [host]


@contextmanager
def speaking(banner: bytes) -> Iterator[str]:
    """Run a service on loopback that sends a banner and disconnects; yield its address."""
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
        b"HTTP/1.1 101 secret\r\nUpgrade: secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nsecret" + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nsecret",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[secret/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: gopher://secret/\r\nContent-Length: 0\r\n\r\n",
        b"\x1b]0;secret\x07\r\n",
        b"",
    ],
)
def test_the_words_of_a_foreign_service_are_not_repeated(banner: bytes) -> None:
    with speaking(banner) as url, pytest.raises(UrlFailed) as caught:
        fetched(url)
    assert str(caught.value).startswith("'file_url': 127.0.0.1 ") or "redirection" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_path_goes_out_as_it_was_written() -> None:
    """A signature covers each character of the URL."""
    written = "/a//b/../c%2fd%zz;e,{f}|g~'h?i=%20j+k&l=[m]&n=a%2Bb%3d"
    with receiving() as receiver:
        fetched(receiver.url + written)
    assert [request.path for request in receiver.requests] == [written]


def test_a_request_says_no_more_than_it_must() -> None:
    with receiving() as receiver:
        fetched(f"{receiver.url}/a")
        asyncio.run(post(receiver.url, b"{}", {"webhook-id": "1"}, private=True, param="webhook_url"))
    get, sent = receiver.requests
    assert sorted(get.headers) == ["accept-encoding", "connection", "host", "user-agent"]
    assert (get.headers["accept-encoding"], get.headers["connection"]) == ("identity", "close")
    assert sorted(set(sent.headers) - set(get.headers)) == ["content-length", "webhook-id"]
    assert sent.body == b"{}"


def test_a_redirection_gets_no_cookie_and_no_proxy_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        receiver.answer = lambda request: (
            (302, {"Location": "/b", "Set-Cookie": "a=b"}, b"")
            if request.path == "/a"
            else (200, {}, b"here")
        )
        assert fetched(f"{receiver.url}/a") == b"here"
    assert proxy.requests == []
    assert [request.path for request in receiver.requests] == ["/a", "/b"]
    for request in receiver.requests:
        assert {"cookie", "authorization", "referer"}.isdisjoint(request.headers)


def test_a_post_follows_no_redirection() -> None:
    with receiving(lambda request: (307, {"Location": "/elsewhere"}, b"")) as receiver:
        status = asyncio.run(post(receiver.url, b"{}", {}, private=True, param="webhook_url"))
    assert status == 307
    assert [request.path for request in receiver.requests] == ["/"]


def test_the_next_address_of_a_host_is_tried_where_the_first_takes_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "resolve", lambda url, **kwargs: ["127.0.0.3", "127.0.0.1"])
    with receiving(lambda request: (200, {}, b"here")) as receiver:
        assert fetched(f"http://two.example:{receiver.port}/") == b"here"


def test_why_nothing_could_be_reached_is_in_the_systems_words(free_port: int) -> None:
    with pytest.raises(UrlFailed, match=r"cannot be reached: Connection refused\.$"):
        fetched(f"http://127.0.0.1:{free_port}/")


@pytest.mark.parametrize(
    ("limit", "seconds", "said"),
    [
        ("FETCH_SECONDS", 0.2, "it took longer than 0.2 seconds"),
        ("SILENCE_SECONDS", 0.2, "nothing came for 0.2 seconds"),
    ],
)
def test_a_server_that_is_silent_is_left(
    limit: str, seconds: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, limit, seconds)
    left = threading.Event()
    with receiving(lambda request: (200, {}, b"late" if left.wait(20) else b"")) as receiver:
        try:
            with pytest.raises(UrlFailed, match=re.escape(f"127.0.0.1 cannot be reached: {said}.")):
                fetched(f"{receiver.url}/")
        finally:
            left.set()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of speech.example and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=speech",
             "-addext", "subjectAltName=DNS:speech.example", "-keyout", "key.pem", "-out", "cert.pem"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not on this machine")
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, list[str | None]]]:
    """A server with that certificate, which this machine trusts, and the names that clients request of it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(client, "resolve", lambda url, **kwargs: ["127.0.0.1"])
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda sock, name, context: asked.append(name)
    with receiving(lambda request: (200, {}, b"here"), tls=context) as receiver:
        yield receiver, asked


def test_the_certificate_is_checked_for_the_name_though_the_address_is_called(secure: Any) -> None:
    receiver, asked = secure
    assert fetched(f"https://speech.example:{receiver.port}/") == b"here"
    assert asked == ["speech.example"]
    assert receiver.requests[0].headers["host"] == f"speech.example:{receiver.port}"


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_of_another_name_is_refused(host: str, secure: Any) -> None:
    receiver, _ = secure
    with pytest.raises(UrlFailed, match="certificate is not valid for"):
        fetched(f"https://{host}:{receiver.port}/")
    assert receiver.requests == []


def test_a_certificate_that_this_machine_does_not_trust_is_refused(
    secure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, _ = secure
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UrlFailed, match="certificate verify failed"):
        fetched(f"https://speech.example:{receiver.port}/")
    assert receiver.requests == []
