"""Clients that leave while they are told a text, in every dialect and over HTTP/2, leave nothing behind."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, FakeLongForm, hum, plugins_of
from support.clients.http2 import Connection
from support.processes.servers import send_unread
from support.sound import media
from support.waiting import Turnstile, eventually

URL = "/v1/audio/transcriptions"
ROUNDS = 5
EVERY_CALL = 10_000
STREAMS = {
    "speakers": (URL, {"stream": "true", "response_format": "diarized_json"}),
    "go-whisper": (f"{URL}?stream=true", {}),
    "go-whisper, rich": ("/api/v1/audio/transcriptions?stream=true", {}),
    "go-whisper, speakers": ("/v1/audio/diarize?stream=true", {}),
    "gigastt": ("/v1/transcribe/stream", {}),
    "gigastt, whole": ("/v1/transcribe", {}),
    "whisper.cpp": ("/inference", {}),
}


@pytest.fixture
def model() -> Iterator[FakeLongForm]:
    """A model that hears a second at a time, each when the test lets it."""
    spec = ModelSpec("fake", features=frozenset({Feature.WORDS}))
    model = FakeLongForm(spec, gate=Turnstile())
    yield model
    model.gate.open(EVERY_CALL)


@pytest.fixture
def start(serve: Any, model: FakeLongForm, tmp_path: Path) -> Callable[..., Any]:
    """Start a server of that model, which spools to `tmp_path`."""

    def start(**settings: Any) -> Any:
        backend = FakeBackend(model.spec, recognizer=lambda spec: model)
        turns = [SpeakerTurn(second, second + 1.0, second % 2) for second in range(5)]
        plugins = plugins_of(Settings(), fake=backend, vad=FakeDetector(), diarizer=FakeDiarizer(*turns))
        return serve(plugins, preload=(), spool_dir=tmp_path, default_models=("fake",), **settings)

    return start


def is_at_rest(server: Any, folder: Path) -> bool:
    """Tell whether nothing of any request is left: no place, file, model held, work that waits."""
    instances = server.service.pool.loaded_models.instances()
    scheduler = next(instance.scheduler for instance in instances if instance.model.id == "fake")
    return (
        not any(instance.leases for instance in instances)
        and scheduler.queue.waiting == []
        and (scheduler.ahead.free, scheduler.ahead.long_permits)
        == (scheduler.ahead.chunks, scheduler.workers + 1)
        and server.service.admission.inside == 0
        and not server.service.in_flight
        and list(folder.iterdir()) == []
    )


def work_begins(model: FakeLongForm) -> None:
    """Let the first second be heard; the second one is held."""
    model.gate.open()
    for _ in range(2):
        assert model.begun.acquire(timeout=10)


@pytest.mark.parametrize(("path", "fields"), STREAMS.values(), ids=STREAMS)
def test_a_client_that_leaves_leaves_nothing_behind(
    path: str, fields: dict[str, str], start: Any, model: FakeLongForm, tmp_path: Path
) -> None:
    server, content = start(), media.wav(hum(5))
    threads = threading.active_count()
    for number in range(1, ROUNDS + 1):
        connection = send_unread(server, path, content, **fields)
        work_begins(model)
        connection.close()
        assert eventually(lambda: is_at_rest(server, tmp_path))
        model.gate.open()
        assert eventually(lambda: model.abandoned == number), "the model works on for nobody"  # noqa: B023
    assert len(model.calls) == 2 * ROUNDS
    assert threading.active_count() <= threads + 10  # pools of threads grow up to their size


def test_the_log_tells_that_a_client_left_before_its_stream_was_whole(
    start: Any, model: FakeLongForm, tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level(logging.INFO, "govor.access")
    server = start()
    connection = send_unread(server, URL, media.wav(hum(5)), stream="true")
    work_begins(model)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.close()
    assert eventually(lambda: is_at_rest(server, tmp_path))
    assert [line.split(" in ")[0] for line in caplog.messages] == [f"127.0.0.1 POST {URL} 499"]


@pytest.mark.parametrize("way", [Connection.reset, Connection.close])
def test_a_client_of_http_2_that_leaves_leaves_nothing_behind(
    way: Callable[[Connection], None], start: Any, model: FakeLongForm, tmp_path: Path
) -> None:
    server, content = start(), media.wav(hum(5))
    kept: list[Connection] = []
    for number in range(1, ROUNDS + 1):
        connection = kept.pop() if kept else Connection(server.port)
        connection.post(URL, content, stream="true")
        work_begins(model)
        connection.begin()
        way(connection)
        if way is Connection.reset:
            kept.append(connection)
        assert eventually(lambda: is_at_rest(server, tmp_path))
        model.gate.open()
        assert eventually(lambda: model.abandoned == number), "the model works on for nobody"  # noqa: B023
    for connection in kept:
        connection.close()
    assert len(model.calls) == 2 * ROUNDS


def test_a_client_that_leaves_the_events_of_a_job_leaves_nothing_but_the_job(
    start: Any, model: FakeLongForm, tmp_path: Path
) -> None:
    server = start()
    with server.client() as client:
        files = {"file": ("a.wav", media.wav(hum(5)))}
        job = client.post(URL, files=files, data={"background": "true"}).headers["location"]
        work_begins(model)
        for _ in range(ROUNDS):
            with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                connection.sendall(f"GET {job}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert b"200" in connection.recv(100)
            assert eventually(lambda: not server.service.in_flight)
        model.gate.open(EVERY_CALL)
        assert eventually(lambda: client.get(job).json()["status"] == "completed")
        assert eventually(lambda: is_at_rest(server, tmp_path))
    assert len(model.calls) == 5
