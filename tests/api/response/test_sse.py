"""Answers that take their time: told while they come, kept open, dropped when nobody listens."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.engine.model_pool.pool import Loaded
from govor.engine.scheduling.tasks import InferenceTask
from govor.errors import LoadFailed
from govor.settings import Settings
from govor.testing import FakeBackend, FakeLongForm, FakeRecognizer, hum, plugins_of, silence
from support.processes.servers import send_unread
from support.sound import media
from support.waiting import EVERY_CALL, Turnstile, eventually

URL = "/v1/audio/transcriptions"
FAKE = ModelSpec("fake")
ROUNDS = 100

Start = Callable[..., Any]


def voice(seconds: float) -> bytes:
    return media.wav(hum(seconds))


@pytest.fixture
def start(serve_model: Start, tmp_path: Path) -> Start:
    """Start a server of one fake model, which spools to `tmp_path`."""
    return partial(serve_model, spool_dir=tmp_path, default_models=("fake",))


@pytest.fixture
def sdk() -> Iterator[Callable[[Any], openai.OpenAI]]:
    """Clients of a server; closed with the test."""
    clients = []

    def client(server: Any) -> openai.OpenAI:
        clients.append(openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


def stream(client: httpx.Client, content: bytes, **fields: str) -> Any:
    """Ask for events; the context gives the response."""
    data = {"model": "fake", "stream": "true", **fields}
    return client.stream("POST", URL, files={"file": ("a.wav", content)}, data=data)


def events(lines: Iterator[str]) -> Iterator[Any]:
    """The data of each event, parsed where it is JSON; comments left out."""
    for line in lines:
        if line.startswith("data: "):
            data = line.removeprefix("data: ")
            yield data if data == "[DONE]" else json.loads(data)


def loaded(server: Any) -> Loaded:
    """The only loaded model that transcribes."""
    (instance,) = (each for each in server.service.pool.loaded_models.instances() if each.model.transcribes)
    return instance


def waiting(server: Any) -> list[InferenceTask]:
    """The turns that no worker has taken."""
    return loaded(server).scheduler.queue.waiting


def test_deltas_arrive_while_later_windows_are_still_worked_on(start: Start) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model, keep_alive_seconds=0.2)
    with server.client() as client, stream(client, voice(3)) as response:
        lines = events(response.iter_lines())
        for number in range(3):
            model.gate.open()
            event = next(lines)
            assert event["type"] == "transcript.text.delta"
            assert len(model.calls) <= number + 2
        assert [event if event == "[DONE]" else event["type"] for event in lines] == [
            "transcript.text.done",
            "[DONE]",
        ]


def test_a_good_stream_tells_the_text_in_deltas_then_whole_and_ends_with_done(start: Start) -> None:
    server = start(FakeLongForm(FAKE))
    with server.client() as client, stream(client, voice(2.5)) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        *deltas, whole, end = events(response.iter_lines())
    assert (
        "".join(event["delta"] for event in deltas) == whole["text"] == server.post(voice(2.5)).json()["text"]
    )
    assert whole["text"] == "1.0 seconds 1.0 seconds 0.5 seconds"
    assert end == "[DONE]"


def test_a_silent_recording_is_a_good_stream_without_deltas(start: Start) -> None:
    server = start(FakeRecognizer(FAKE))
    with server.client() as client, stream(client, media.silence(2)) as response:
        whole, end = events(response.iter_lines())
    assert (whole["type"], whole["text"], end) == ("transcript.text.done", "", "[DONE]")


def test_a_stream_is_kept_open_by_comments_while_the_model_is_busy(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=threading.Event())
    server = start(model, keep_alive_seconds=0.1)
    with server.client() as client, stream(client, voice(1)) as response:
        lines = response.iter_lines()
        comments = [next(lines) for _ in range(6)]
        model.gate.set()
        assert next(events(lines))["delta"] == "1.0 seconds"
    assert comments == [": keep-alive", ": progress 0.0/1.0"] * 3  # an empty line would end an event


def test_the_sdk_reads_over_comments(start: Start, sdk: Any) -> None:
    model = FakeRecognizer(FAKE, gate=threading.Event())
    server = start(model, keep_alive_seconds=0.05)
    answer = sdk(server).audio.transcriptions.create(model="fake", file=("a.wav", voice(1)), stream=True)
    with server.client() as other, stream(other, voice(1)) as response:
        assert next(response.iter_lines()) == ": keep-alive"
        model.gate.set()
        assert [event.type for event in answer] == ["transcript.text.delta", "transcript.text.done"]


def test_an_error_in_mid_stream_is_an_error_of_the_sdk(start: Start, sdk: Any) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model)
    model.gate.open()
    answer = iter(
        sdk(server).audio.transcriptions.create(model="fake", file=("a.wav", voice(3)), stream=True)
    )
    assert next(answer).delta == "1.0 seconds"
    model.failure = RuntimeError("broken")
    model.gate.open()
    with pytest.raises(openai.APIError, match="RuntimeError: broken"):
        next(answer)


def test_an_error_in_mid_stream_is_its_last_event_and_counts_as_no_transcription(start: Start) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model, keep_alive_seconds=0.2)
    with server.client() as client, stream(client, voice(3)) as response:
        lines = events(response.iter_lines())
        model.gate.open()
        next(lines)
        model.failure = RuntimeError("broken")
        model.gate.open()
        (last,) = lines
        assert last["type"] == "error"
        assert (last["error"]["type"], last["error"]["code"]) == ("server_error", "transcription_error")
        assert client.get("/health").json()["transcriptions_processed"] == 0


def test_an_error_in_mid_stream_is_the_last_of_go_whispers_events(start: Start) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model, keep_alive_seconds=0.2)
    files = {"file": ("a.wav", voice(3))}
    with server.client() as client, client.stream("POST", f"{URL}?stream=true", files=files) as response:
        lines = response.iter_lines()
        model.gate.open()
        while next(lines) != "event: segment":
            pass
        model.failure = RuntimeError("broken")
        model.gate.open()
        *_, name, body, end = lines
    assert (name, end) == ("event: error", "")
    assert isinstance(json.loads(body.removeprefix("data: ")), str)


@pytest.mark.parametrize("response_format", ["srt", "vtt", "verbose_json"])
def test_a_format_that_has_no_deltas_is_answered_whole(response_format: str, start: Start) -> None:
    server = start(FakeLongForm(FAKE))
    whole = server.post(voice(2), response_format=response_format)
    streamed = server.post(voice(2), response_format=response_format, stream="true")
    assert streamed.headers["content-type"] == whole.headers["content-type"]
    assert "event-stream" not in whole.headers["content-type"]
    assert streamed.text == whole.text
    assert (streamed.headers["x-govor-ignored"], whole.headers.get("x-govor-ignored")) == ("stream", None)


@pytest.mark.parametrize(
    ("content", "fields", "status", "code"),
    [
        (b"hello world\n" * 1000, {}, 400, "invalid_audio"),
        (media.silence(9), {}, 400, "audio_too_long"),
        (media.silence(1), {"model": "nonsense"}, 404, "model_not_found"),
        (media.silence(1), {"temperature": "7"}, 400, "invalid_param"),
    ],
)
def test_an_error_before_the_first_text_has_a_status_though_a_stream_was_asked_for(
    content: bytes, fields: dict[str, str], status: int, code: str, start: Start
) -> None:
    server = start(FakeRecognizer(FAKE), max_audio_seconds=5)
    response = server.post(content, stream="true", **fields)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_a_model_that_cannot_be_loaded_has_a_status_though_a_stream_was_asked_for(
    serve: Any, sdk: Any
) -> None:
    backend = FakeBackend(failure=LoadFailed("There is no device 'cuda:7'."))
    server = serve(plugins_of(Settings(), fake=backend), preload=())
    with pytest.raises(openai.InternalServerError, match="cuda:7") as caught:
        sdk(server).audio.transcriptions.create(model="fake", file=("a.wav", voice(1)), stream=True)
    assert caught.value.status_code == 503


def test_a_model_that_fails_in_its_first_window_has_a_status_though_a_stream_was_asked_for(
    start: Start,
) -> None:
    server = start(FakeRecognizer(FAKE, failure=RuntimeError("out of memory")))
    response = server.post(voice(1), stream="true")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "transcription_error")


@pytest.mark.parametrize("streamed", ["true", "false"])
def test_clients_that_leave_while_the_model_works_leave_nothing_behind(
    streamed: str, start: Start, tmp_path: Path
) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model)
    content = voice(5)
    threads = threading.active_count()
    for number in range(1, ROUNDS + 1):
        connection = send_unread(server, URL, content, model="fake", stream=streamed)
        model.gate.open()
        for _ in range(2):  # the first window is done, the second one held
            assert model.begun.acquire(timeout=10)
        connection.close()
        assert eventually(lambda: loaded(server).leases == 0), "the model is still held"
        assert eventually(lambda: list(tmp_path.iterdir()) == [])
        model.gate.open()
        assert eventually(lambda: model.abandoned == number), "the model works on for nobody"  # noqa: B023
    assert len(model.calls) == 2 * ROUNDS
    assert threading.active_count() <= threads + 10  # pools of threads grow up to their size
    assert waiting(server) == []
    scheduler = loaded(server).scheduler
    assert (scheduler.ahead.free, scheduler.ahead.long_permits) == (
        scheduler.ahead.chunks,
        scheduler.workers + 1,
    )
    assert eventually(lambda: server.service.admission.inside == 0)
    model.gate.open(EVERY_CALL)
    assert server.post(voice(1)).json()["text"] == "1.0 seconds"
    assert server.service.transcribed == 1


def test_clients_that_leave_while_they_wait_are_never_worked_for(start: Start, tmp_path: Path) -> None:
    model = FakeRecognizer(FAKE, gate=threading.Event())
    server = start(model)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(server.post, voice(1))
        assert model.begun.acquire(timeout=10)
        leaving = [
            send_unread(server, URL, voice(3), model="fake", stream=streamed)
            for streamed in ("true", "false") * 5
        ]
        assert eventually(lambda: len(waiting(server)) == len(leaving))
        for connection in leaving:
            connection.close()
        assert eventually(lambda: waiting(server) == [])
        assert eventually(lambda: loaded(server).leases == 1)
        assert eventually(lambda: len(list(tmp_path.iterdir())) == 1)
        model.gate.set()
        assert first.result().json()["text"] == "1.0 seconds"
    assert [call.seconds for call in model.calls] == [(1.0,)]


def test_a_client_that_leaves_while_its_recording_is_read_stops_the_reading(
    start: Start, tmp_path: Path
) -> None:
    server = start(FakeRecognizer(FAKE))
    server.post(voice(1))  # loads the model
    connection = send_unread(server, URL, media.silence(1800), model="fake")
    assert eventually(lambda: len(list(tmp_path.iterdir())) == 1)
    (spooled,) = tmp_path.iterdir()
    connection.close()
    assert eventually(lambda: list(tmp_path.iterdir()) == [])
    deleted = spooled.with_name(spooled.name + " (deleted)")
    assert eventually(lambda: media.descriptors(deleted) == 0)


def test_a_short_message_is_answered_while_a_long_upload_is_worked_on(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    server = start(model)
    long = media.wav(np.concatenate([hum(2), silence(4)] * 10))
    with ThreadPoolExecutor(2) as threads:
        upload = threads.submit(server.post, long)
        assert model.begun.acquire(timeout=10)
        message = threads.submit(server.post, voice(1))
        assert eventually(lambda: any(turn.chunk.seconds == 1 for turn in waiting(server)))
        model.gate.open(2)
        assert message.result(timeout=10).json()["text"] == "1.0 seconds"
        assert not upload.done()
        model.gate.open(EVERY_CALL)
        assert upload.result().json()["text"].count("seconds") == 10


class Wordy(FakeRecognizer):
    """A model that writes a megabyte for every sound."""

    def _transcribe(self, audio: Audio, options: Options, start: float = 0.0) -> Segment:
        segment = super()._transcribe(audio, options, start)
        return replace(segment, text=segment.text.ljust(1_000_000, "x"))


def calls_in_the_end(model: FakeRecognizer) -> int:
    """How many calls there were when no more come."""
    calls = -1
    while calls < len(model.calls):
        calls = len(model.calls)
        eventually(lambda: len(model.calls) > calls, seconds=0.3)  # noqa: B023 - it is called at once
    return calls


def test_a_client_that_does_not_read_stops_nobody_but_itself(start: Start) -> None:
    model = Wordy(FAKE)
    server = start(model)
    chunks = 40
    long = media.wav(np.tile(np.concatenate([hum(1), silence(4)]), chunks))
    with (
        send_unread(server, URL, long, 4096, model="fake", stream="true") as connection,
        connection.makefile("rb") as answer,
    ):
        assert model.begun.acquire(timeout=10)
        done = calls_in_the_end(model)
        assert done < chunks, "the server holds what the client does not take"
        assert server.post(voice(2)).json()["text"].startswith("2.0 seconds")
        assert len(model.calls) == done + 1
        lines = takewhile(lambda line: b"[DONE]" not in line, answer)
        deltas = [line for line in lines if line.startswith(b"data: ") and b"text.delta" in line[:50]]
    assert len(deltas) == chunks
    assert len(model.calls) == chunks + 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a connection for that")
def test_a_client_that_reads_no_more_is_cut_off_and_leaves_nothing_behind(
    start: Start, tmp_path: Path
) -> None:
    model = Wordy(FAKE)
    server = start(model, send_timeout=1.0)
    long = media.wav(np.tile(np.concatenate([hum(1), silence(4)]), 40))
    with send_unread(server, URL, long, 4096, model="fake", stream="true") as connection:
        assert model.begun.acquire(timeout=10)
        assert eventually(lambda: server.service.admission.inside == 0)
        assert eventually(lambda: not list(tmp_path.glob("govor-*")))
        with pytest.raises(ConnectionResetError), connection.makefile("rb") as answer:
            answer.read()
    assert len(model.calls) < 40


class Slow:
    """A gate that lets each call through after two seconds."""

    def wait(self, timeout: float | None = None) -> bool:
        threading.Event().wait(2)
        return True


@pytest.mark.slow
def test_an_answer_that_takes_66_seconds_is_not_cut(start: Start) -> None:
    server = start(FakeLongForm(FAKE, parallel=2, gate=Slow()))
    content = voice(33)

    def streamed() -> list[Any]:
        with server.client() as client, stream(client, content) as response:
            return list(events(response.iter_lines()))

    with ThreadPoolExecutor(2) as threads:
        told, whole = threads.submit(streamed), threads.submit(server.post, content)
        *deltas, last, end = told.result()
        text = whole.result().json()["text"]
    assert len(deltas) >= 33  # each takes 2 s
    assert end == "[DONE]"
    assert "".join(event["delta"] for event in deltas) == last["text"] == text
