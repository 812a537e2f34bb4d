"""A server's own connections: those of the API and of separate metrics, with the settings for them."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.cli.serve.sockets import bind
from govor.connections.http2 import PREFACE
from govor.settings import Settings
from support.processes.server_processes import process_of
from support.processes.servers import form
from support.sound import media
from support.waiting import eventually

CLOSE_WAIT = 8  # a state of a socket in /proc/net/tcp
REQUESTS = 50
SHORT = 0.05


def rest(client: socket.socket) -> bytes:
    found = b""
    while data := client.recv(65_536):
        found += data
    return found


def waiting_to_close(port: int) -> int:
    """Return how many of a server's sockets have been closed by their clients only."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(one[1].split(":")[1], 16) == port and int(one[3], 16) == CLOSE_WAIT for one in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")
def test_closed_connections_leave_nothing_behind_neither_of_the_api_nor_of_separate_metrics(
    free_port: int,
) -> None:
    with process_of(preload="", metrics="separate", metrics_bind=str(free_port)) as process:
        port = int(process.url.rpartition(":")[2])
        metrics = f"http://127.0.0.1:{free_port}/metrics"
        for _ in range(REQUESTS):
            assert httpx.get(f"{process.url}/health").status_code == 200
            assert httpx.get(metrics).status_code == 200
        assert eventually(lambda: waiting_to_close(port) + waiting_to_close(free_port) == 0)


def test_a_recording_is_answered_although_its_client_has_ended_its_side(serve: Any) -> None:
    kind, body = form(media.silence(1), {"model": "echo"})
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.0\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    )
    with socket.create_connection(("127.0.0.1", serve(preload=()).port), 30) as client:
        client.sendall(head.encode() + b"\r\n" + body)
        client.shutdown(socket.SHUT_WR)
        found = rest(client)
    assert found.startswith(b"HTTP/1.1 200")
    assert "text" in json.loads(found.partition(b"\r\n\r\n")[2])


def test_an_invalid_host_is_refused_before_a_key_is_required(serve: Any, caplog: Any) -> None:
    with socket.create_connection(("127.0.0.1", serve(preload=(), api_keys=("sk",)).port), 30) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: " + b"a" * 64 + b"\r\n\r\n")
        found = rest(client)
    assert found.startswith(b"HTTP/1.1 400")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_request"
    assert not any(record.exc_info for record in caplog.records)


def test_the_idle_timeout_is_a_setting(serve: Any) -> None:
    with socket.create_connection(("127.0.0.1", serve(preload=(), idle_timeout=SHORT).port), 30) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize(("http2", "begins"), [(True, b"\0"), (False, b"HTTP/1.1 505")])
def test_http_2_is_a_setting(serve: Any, http2: bool, begins: bytes) -> None:
    with socket.create_connection(("127.0.0.1", serve(preload=(), http2=http2).port), 30) as client:
        client.sendall(PREFACE)
        assert client.recv(100).startswith(begins)  # the head of a frame of settings, or a status line


def test_clients_that_vanish_are_looked_for() -> None:
    with (
        bind(Settings(port=0))[0] as bound,
        socket.create_connection(bound.getsockname()),
        bound.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
