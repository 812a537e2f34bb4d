"""Large uploads, slow uploads, uploads over the cap, clients that leave: counted, spooled, cleaned up."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.api.body.early_answers import Bodies
from govor.api.body.reading import Pace
from support.disks import cramped
from support.sound import media
from support.waiting import eventually, soon

URL = "/v1/audio/transcriptions"
BOUNDARY = b"limit"
HEAD = (
    b'--limit\r\nContent-Disposition: form-data; name="model"\r\n\r\necho\r\n'
    b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
)
TAIL = b"\r\n--limit--\r\n"
HEADERS = {"content-type": "multipart/form-data; boundary=limit"}


@pytest.fixture
def spooling(serve: Any, tmp_path: Path) -> tuple[Any, Path]:
    """A server with a cap of 1 MB and the folder it spools to."""
    return serve(max_upload_mb=1, spool_dir=tmp_path, preload=()), tmp_path


def pieces(content: bytes, size: int = 64_000) -> Iterator[bytes]:
    yield HEAD
    for start in range(0, len(content), size):
        yield content[start : start + size]
    yield TAIL


def test_an_upload_of_60_mb_is_taken(server: Any) -> None:
    seconds = 60e6 / 32_000
    noise = np.random.default_rng(0).normal(0, 0.001, int(seconds * 16_000)).astype(np.float32)
    response = server.post(media.wav(noise), model="echo")
    assert response.status_code == 200
    assert response.json()["usage"]["seconds"] == round(seconds)


def test_an_upload_over_the_cap_is_refused_by_its_stated_length(spooling: tuple[Any, Path]) -> None:
    server, folder = spooling
    response = server.post(media.silence(60), model="echo")
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "payload_too_large"
    assert list(folder.iterdir()) == []


def test_an_upload_over_the_cap_is_refused_when_it_is_chunked(spooling: tuple[Any, Path]) -> None:
    server, folder = spooling
    with server.client() as client:
        response = client.post(URL, content=pieces(media.silence(60)), headers=HEADERS)
    assert response.status_code == 413
    assert eventually(lambda: list(folder.iterdir()) == [])


@pytest.mark.parametrize("path", ["/v1/models", "/api/v1/models", "/load", "/v1/models/echo/load"])
def test_a_body_without_a_recording_has_a_cap_of_its_own(server: Any, path: str) -> None:
    with server.client(headers={"content-type": "application/x-www-form-urlencoded"}) as client:
        stated = client.post(path, content=b"a=1&" * 300_000)
        chunked = client.post(path, content=iter([b"a=1&" * 100_000] * 3))
        assert client.get("/health").is_success
    assert (stated.status_code, chunked.status_code) == (413, 413)
    assert "0.1 MB" in stated.text


def test_a_chunked_upload_under_the_cap_is_taken(spooling: tuple[Any, Path]) -> None:
    server, folder = spooling
    with server.client() as client:
        response = client.post(URL, content=pieces(media.silence(20)), headers=HEADERS)
    assert response.status_code == 200
    assert eventually(lambda: list(folder.iterdir()) == [])


def test_a_client_that_leaves_in_mid_upload_leaves_nothing_behind(spooling: tuple[Any, Path]) -> None:
    server, folder = spooling
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        request = (
            f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
            "Content-Type: multipart/form-data; boundary=limit\r\n\r\n"
        )
        connection.sendall(request.encode() + HEAD + bytes(300_000))
        assert eventually(lambda: len(list(folder.iterdir())) == 1), "the upload is not spooled"
    assert eventually(lambda: list(folder.iterdir()) == []), "the spooled file stays"
    assert server.post(media.silence(1), model="echo").status_code == 200


def test_a_torn_form_is_refused(spooling: tuple[Any, Path]) -> None:
    server, _ = spooling
    with server.client() as client:
        response = client.post(URL, content=HEAD + b"RIFF", headers=HEADERS)
    assert response.status_code == 400


def test_the_spooled_file_is_gone_when_the_answer_is_there(spooling: tuple[Any, Path]) -> None:
    server, folder = spooling
    for fields in ({}, {"stream": "true"}, {"response_format": "nonsense"}):
        server.post(media.silence(2), model="echo", **fields)
        assert eventually(lambda: list(folder.iterdir()) == [])


def test_an_answer_that_is_broken_off_while_it_lingers_is_counted_no_more() -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.body", "body": b"early"})

    async def never(*args: Any) -> None:
        await asyncio.Event().wait()

    async def break_off() -> int:
        bodies = Bodies(answer, lambda path: 1, Pace)
        scope = {"type": "http", "path": "/", "headers": [], "http_version": "1.1"}
        task = asyncio.create_task(bodies(scope, never, never))
        await soon(lambda: bodies.lingering == 1)
        task.cancel()
        await asyncio.wait([task])
        return bodies.lingering

    assert asyncio.run(break_off()) == 0


@pytest.mark.parametrize("path", [URL, "/v1/transcribe", "/v1/jobs"])
def test_an_upload_that_the_disk_has_no_room_for_is_said_so_and_leaves_nothing_behind(
    path: str, serve: Any, tmp_path: Path
) -> None:
    server = serve(spool_dir=tmp_path, preload=(), default_models=("echo",))
    content = media.silence(90)
    with server.client() as client, cramped(1_000_000):
        if path == "/v1/transcribe":
            answer = client.post(path, content=content)
            code = answer.json()["code"]
        else:
            data = {"background": "true"} if path == "/v1/jobs" else {}
            answer = client.post(URL, files={"file": ("a.wav", content)}, data=data)
            code = answer.json()["error"]["code"]
    assert (answer.status_code, code) == (507, "insufficient_storage")
    assert list(tmp_path.iterdir()) == []
    assert server.post(content).status_code == 200


@pytest.mark.slow
def test_an_upload_that_takes_90_s_to_arrive_is_taken(server: Any) -> None:
    content = media.silence(9)

    def slowly() -> Iterator[bytes]:
        yield HEAD
        for start in range(0, len(content), len(content) // 30 + 1):
            time.sleep(3)
            yield content[start : start + len(content) // 30 + 1]
        yield TAIL

    with httpx.Client(base_url=server.url, timeout=180) as client:
        response = client.post(URL, content=slowly(), headers=HEADERS)
    assert response.status_code == 200
