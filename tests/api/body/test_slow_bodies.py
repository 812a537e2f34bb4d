"""Bodies that stop, and bodies that are slow: the first lose their place, the second arrive."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from govor.api.body.reading import BACKLOG_BYTES, GRACE_SECONDS, Body, Pace
from govor.errors import PayloadTooLarge, UploadStalled
from support.sound import media
from support.waiting import eventually, soon

URL = "/v1/audio/transcriptions"
KIND = "multipart/form-data; boundary=x"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
PREFER = "Prefer: respond-async\r\n"
PATHS = [URL, "/v1/transcribe", "/inference", "/v1/audio/speech/timestamps", "/v1/models", "/load"]

pytestmark = pytest.mark.anyio


def begin(server: Any, path: str = URL, more: str = "") -> socket.socket:
    """Send the beginning of an upload, and no more."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\nContent-Type: {KIND}\r\n{more}\r\n"
    connection.sendall(head.encode() + HEAD + b"RIFF")
    return connection


def read_all(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of the answer after which the server closes the connection."""
    told = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = told.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, json.loads(body)


@contextmanager
def holding(server: Any, count: int, more: str = "") -> Iterator[None]:
    """Have clients that send nothing more hold places until the block ends."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(begin(server, more=more))
        assert eventually(lambda: server.service.admission.inside == count)
        yield


@pytest.mark.parametrize("path", PATHS)
def test_an_upload_that_stops_is_told_so_and_loses_its_place(path: str, serve: Callable[..., Any]) -> None:
    server = serve(preload=(), body_timeout=0.2)
    with begin(server, path) as connection:
        status, headers, body = read_all(connection)
    assert (status, headers["connection"]) == (408, "close")
    code = body["error"]["code"] if isinstance(body["error"], dict) else body["code"]
    assert code == "request_timeout"
    assert eventually(lambda: server.service.admission.inside == 0)


def test_places_that_lost_uploads_held_are_free_again(serve: Callable[..., Any]) -> None:
    server = serve(preload=(), max_queue=2, body_timeout=0.5, default_models=("echo",))
    with begin(server), begin(server):
        assert eventually(lambda: server.service.admission.inside == 2)
        assert eventually(lambda: server.service.admission.inside == 0)
        assert server.post(media.silence(1)).status_code == 200


def test_a_server_whose_places_are_all_taken_is_not_ready(serve: Callable[..., Any]) -> None:
    server = serve(preload=(), max_queue=2, default_models=("echo",))

    def reason() -> Any:
        with server.client() as client:
            answer = client.get("/ready")
        return answer.status_code, answer.json().get("reason")

    assert eventually(lambda: reason() == (200, None))
    with holding(server, 2):
        assert reason() == (503, "server_busy")
    assert eventually(lambda: reason() == (200, None))


def test_uploads_of_jobs_have_a_bound_of_their_own_and_keep_nobody_out(serve: Callable[..., Any]) -> None:
    server = serve(preload=(), max_queue=2, default_models=("echo",))
    later = {"Prefer": "respond-async"}
    with holding(server, 2, PREFER):
        with server.client(headers=later) as client:
            refused = client.post(URL, content=iter([b""]), headers={"content-type": KIND})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "server_busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert server.post(media.silence(1)).status_code == 200
    assert eventually(lambda: server.service.admission.inside == 0)
    with holding(server, 2), server.client(headers=later) as client:
        taken = client.post(URL, files={"file": ("a.wav", media.silence(1))})
        assert taken.status_code == 202


def test_one_clients_jobs_uploads_are_bounded(serve: Callable[..., Any]) -> None:
    server = serve(preload=(), max_requests_per_client=1, default_models=("echo",))
    with holding(server, 1, PREFER), server.client(headers={"Prefer": "respond-async"}) as client:
        refused = client.post(URL, files={"file": ("a.wav", media.silence(1))})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
        assert server.post(media.silence(1)).status_code == 200


def test_an_upload_that_never_stops_for_long_is_taken_however_slow(serve: Callable[..., Any]) -> None:
    server = serve(preload=(), body_timeout=5, default_models=("echo",))
    content = media.silence(0.1)
    body = HEAD + content + b"\r\n--x--\r\n"
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head.encode() + f"Content-Type: {KIND}\r\n\r\n".encode())
        for number in range(len(body)):
            connection.sendall(body[number : number + 1])
        status, _, _ = read_all(connection)
    assert status == 200


def test_a_pace_bounds_the_silence_and_the_average() -> None:
    assert Pace().timeout(0, 1e9) is None
    assert Pace(silence=60).timeout(0, 1e9) == 60
    assert Pace(rate=100).timeout(0, 0) == GRACE_SECONDS
    assert Pace(rate=100).timeout(5_000, GRACE_SECONDS) == 50
    assert Pace(rate=100).timeout(5_000, GRACE_SECONDS + 60) == 0
    assert Pace(silence=20, rate=100).timeout(5_000, GRACE_SECONDS) == 20
    steady = Pace(silence=60, rate=240)
    assert all(steady.timeout(250 * second, second) for second in range(0, 100_000, 100))
    dripping = [steady.timeout(second, second) for second in range(2 * int(GRACE_SECONDS))]
    assert 0 in dripping


class Client:
    """Sends what it is told to."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.asked = 0

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        return await self._messages.get()

    def send(self, data: bytes, *, more: bool = True) -> None:
        self._messages.put_nowait({"type": "http.request", "body": data, "more_body": more})

    def leave(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})


async def test_a_body_that_is_not_read_waits_with_the_client() -> None:
    client, body = Client(), Body(10_000_000)
    taking = asyncio.create_task(body.take_in(client, lambda: 0.0))
    for _ in range(100):
        client.send(bytes(64_000))
    most = BACKLOG_BYTES // 64_000 + 1
    assert await soon(lambda: client.asked == most)
    assert len(await anext(body)) == most * 64_000
    assert await soon(lambda: client.asked == 2 * most)
    client.leave()
    body.drop()
    await taking
    assert client.asked == 101


async def test_a_body_over_its_limit_is_refused_and_the_rest_is_dropped() -> None:
    client, body = Client(), Body(100)
    taking = asyncio.create_task(body.take_in(client, lambda: 0.0))
    client.send(bytes(60))
    assert len(await anext(body)) == 60
    client.send(bytes(60), more=False)
    with pytest.raises(PayloadTooLarge):
        await anext(body)
    client.leave()
    await taking
    assert body.complete.is_set()


async def test_a_body_that_stops_is_given_up_but_its_client_is_still_heard() -> None:
    client, body = Client(), Body(100, pace=Pace(silence=0.01))
    taking = asyncio.create_task(body.take_in(client, lambda: 0.0))
    client.send(b"begun")
    assert await anext(body) == b"begun"
    with pytest.raises(UploadStalled, match="after 5 bytes"):
        await anext(body)
    client.leave()
    await taking


async def test_a_client_that_leaves_ends_its_body() -> None:
    client, body = Client(), Body(100)
    taking = asyncio.create_task(body.take_in(client, lambda: 0.0))
    client.leave()
    await taking
    assert body.complete.is_set()
