"""A server that is full: who is sent away is told so at once, by whatever client, and asked back."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from govor.contract.models import ModelSpec
from govor.testing import FakeRecognizer, hum
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
VOICE = media.wav(hum(1))
LARGE = media.silence(600)  # 19 MB: more than sockets hold

Start = Callable[..., Any]
Full = Callable[..., Any]


@pytest.fixture
def start(serve_model: Start, tmp_path: Path) -> Start:
    """Start a server of one fake model, which spools to `tmp_path`."""
    return partial(serve_model, spool_dir=tmp_path, default_models=("fake",))


@pytest.fixture
def model() -> Iterator[FakeRecognizer]:
    """A model whose gate is open at the latest when the test ends."""
    gate = threading.Event()
    yield FakeRecognizer(ModelSpec("fake"), gate=gate)
    gate.set()


@pytest.fixture
def full(start: Start, model: FakeRecognizer) -> Full:
    """Start a server whose only place is taken until the block ends."""

    @contextmanager
    def fill() -> Iterator[tuple[Any, Future[httpx.Response]]]:
        server = start(model, max_queue=1)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(server.post, VOICE)
            try:
                assert model.begun.acquire(timeout=10)
                yield server, first
            finally:
                model.gate.set()

    return fill


def assert_busy(response: httpx.Response) -> None:
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["type"]) == (503, "server_busy", "server_error")
    assert int(response.headers["retry-after"]) >= 1
    assert int(response.headers["retry-after-ms"]) >= 1000
    assert "x-should-retry" not in response.headers


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_full_server_refuses_and_says_when_to_come_again(stream: str, full: Full) -> None:
    with full() as (server, first):
        assert_busy(server.post(VOICE, stream=stream))
        with server.client() as client:
            assert client.get("/health").status_code == 200
    assert first.result().json()["text"] == "1.0 seconds"
    assert server.post(VOICE).status_code == 200


def test_who_sends_much_is_refused_without_anything_being_kept(full: Full, tmp_path: Path) -> None:
    with full() as (server, _):
        spooled = list(tmp_path.iterdir())
        assert_busy(server.post(LARGE))
        assert list(tmp_path.iterdir()) == spooled


def test_the_refusal_is_sent_before_the_recording(full: Full) -> None:
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    with full() as (server, _), socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 503")


def test_the_sdk_is_told_after_it_has_sent_all(full: Full) -> None:
    with full() as (server, _):
        kwargs: dict[str, Any] = {"base_url": f"{server.url}/v1", "api_key": "none"}
        with (
            openai.OpenAI(max_retries=0, **kwargs) as client,
            pytest.raises(openai.InternalServerError) as told,
        ):
            client.audio.transcriptions.create(model="fake", file=("a.wav", LARGE))
        assert (told.value.status_code, told.value.code) == (503, "server_busy")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_is_told_while_it_sends(full: Full, tmp_path: Path) -> None:
    recording = tmp_path / "large.wav"
    recording.write_bytes(LARGE)
    with full() as (server, _):
        command = [
            "curl",
            "-sS",
            "-m",
            "8",
            "-w",
            "%{http_code}",
            "-F",
            f"file=@{recording}",
            server.url + URL,
        ]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    body, status = ran.stdout[:-3], ran.stdout[-3:]
    assert (status, json.loads(body)["error"]["code"]) == ("503", "server_busy")


def test_a_connection_that_was_refused_can_be_used_again(full: Full) -> None:
    with full() as (server, _), server.client() as client:
        for _ in range(3):
            assert_busy(client.post(URL, files={"file": ("a.wav", LARGE)}))
        assert client.get("/health").status_code == 200


def test_one_key_cannot_keep_another_one_out(start: Start, model: FakeRecognizer) -> None:
    server = start(model, api_keys=("one", "two"), max_requests_per_client=2)

    def ask(key: str) -> httpx.Response:
        with server.client(headers={"Authorization": f"Bearer {key}"}) as client:
            return client.post(URL, files={"file": ("a.wav", VOICE)})

    with ThreadPoolExecutor(4) as threads:
        held = [threads.submit(ask, "one") for _ in range(2)]
        assert eventually(lambda: server.service.admission.inside == 2)
        refused = ask("one")
        error = refused.json()["error"]
        assert (refused.status_code, error["type"], error["code"]) == (
            429,
            "rate_limit_error",
            "rate_limited",
        )
        assert int(refused.headers["retry-after"]) >= 1
        held.append(threads.submit(ask, "two"))
        assert eventually(lambda: server.service.admission.inside == 3)
        model.gate.set()
        assert [answer.result().status_code for answer in held] == [200] * 3


def test_without_keys_clients_are_told_apart_by_their_address(start: Start, model: FakeRecognizer) -> None:
    server = start(model, max_requests_per_client=1)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(server.post, VOICE)
        assert model.begun.acquire(timeout=10)
        with server.client(headers={"Authorization": "Bearer another"}) as client:
            refused = client.post(URL, files={"file": ("a.wav", VOICE)})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
        model.gate.set()
        assert held.result().status_code == 200
