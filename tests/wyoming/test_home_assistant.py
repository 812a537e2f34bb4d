"""The Wyoming plugin in a real server, called by the library that Home Assistant uses."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import wave
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("govor_wyoming", reason="govor-wyoming is not installed")

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop, wav_to_chunks
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

import govor_wyoming
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, plugins_of
from support.processes.servers import Server, serving
from support.waiting import eventually, soon

SECONDS = 60
LAST = ("transcript-stop", "error", "info", "pong")

Run = Callable[..., Server]
Talk = Callable[[AsyncTcpClient], Awaitable[Any]]


@pytest.fixture
def run(models_dir: Path, tmp_path: Path, free_port: int) -> Iterator[Run]:
    """Start servers with Wyoming on `free_port`, with all installed plugins or one family."""
    with ExitStack() as stack:

        def start(family: FakeBackend | None = None, spool_dir: Path | None = None, **table: Any) -> Server:
            tables = {"whisper": {"temperature_fallback": False}, "wyoming": {"port": free_port, **table}}
            default = ("fake",) if family else ("whisper-base",)
            folders = {"models_dir": models_dir, "data_dir": tmp_path, "spool_dir": spool_dir}
            settings = Settings(plugins=tables, default_models=default, **folders)
            fakes = {"fake": family, "loud": FakeDetector(), "wyoming": govor_wyoming}
            plugins = plugins_of(settings, **fakes) if family else None
            server = stack.enter_context(serving(settings, plugins))
            with server.client() as client:
                assert client.get("/health").is_success  # it answers once all plugins have started
            return server

        yield start


@pytest.fixture
def whisper(run: Run) -> Server:
    """A server with all installed plugins, the embedded Whisper as its default."""
    return run()


@pytest.fixture
def family() -> FakeBackend:
    """A family of one model, whose text is the length of the audio."""
    return FakeBackend("fake")


@pytest.fixture
def fake(run: Run, family: FakeBackend) -> Server:
    """A server with that model."""
    return run(family, max_clients=3)


def talk(port: int, about: Talk) -> Any:
    """Connect, and return the result of `about` for the connection."""

    async def whole() -> Any:
        async with AsyncTcpClient("127.0.0.1", port, read_timeout=SECONDS) as client:
            return await about(client)

    return asyncio.run(whole())


async def until_answered(client: AsyncTcpClient) -> list[Event]:
    """Read until the server's last event, or until it disconnects."""
    events = []
    while (event := await client.read_event()) is not None:
        events.append(event)
        if event.type in LAST:
            break
    return events


def said(*events: Any) -> Talk:
    """Send events and read the answer."""

    async def about(client: AsyncTcpClient) -> list[Event]:
        for event in events:
            await client.write_event(event.event() if hasattr(event, "event") else event)
        return await until_answered(client)

    return about


def spoken(path: Path, **request: Any) -> list[Any]:
    """Return a recording as a client streams it."""
    with wave.open(str(path)) as file:
        chunks = list(wav_to_chunks(file, 1024, start_event=True, stop_event=True))
    return [Transcribe(**request), *chunks]


def pcm(seconds: float, rate: int = 16_000, width: int = 2, channels: int = 1) -> list[Any]:
    """Return a hum in any format of samples."""
    wave_form = np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 200 / rate)
    if width == 1:
        data = (wave_form * 60 + 128).astype(np.uint8).tobytes()
    elif width == 3:
        whole = (wave_form * 0.5 * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)
        data = whole[:, 1:].tobytes()
    else:
        data = (wave_form * 0.5 * 2 ** (8 * width - 1)).astype(f"<i{width}").tobytes()
    frames = np.frombuffer(data, np.uint8).reshape(-1, width).repeat(channels, axis=0).tobytes()
    size = 2_000 * width * channels
    cut = [frames[place : place + size] for place in range(0, len(frames), size)]
    start = AudioStart(rate, width, channels)
    return [start, *(AudioChunk(rate, width, channels, part) for part in cut), AudioStop()]


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


def error_of(events: list[Event]) -> tuple[str, str]:
    (event,) = events
    return event.data["code"], event.data["text"]


def test_a_russian_recording_comes_back_as_text(
    whisper: Server, free_port: int, samples: Path, transcripts: Any
) -> None:
    events = talk(free_port, said(*spoken(samples / "ru.wav", name="whisper-base", language="ru")))
    kinds = types(events)
    assert kinds[0] == "transcript-start"
    assert kinds[-2:] == ["transcript", "transcript-stop"]
    whole = Transcript.from_event(events[-2])
    assert whole.text == whisper.post(samples / "ru.wav", model="whisper-base", language="ru").json()["text"]
    assert whole.text == transcripts["ru.wav"]["text"]
    assert whole.language == "ru"
    told = [event.data["text"] for event in events if event.type == "transcript-chunk"]
    assert len(told) > 1
    assert "".join(told) == whole.text


def test_a_connection_is_good_for_several_recordings(fake: Server, free_port: int) -> None:
    async def about(client: AsyncTcpClient) -> list[str]:
        texts = []
        for seconds in (1.0, 2.0):
            events = await said(*pcm(seconds))(client)
            texts.append(events[-2].data["text"])
        return texts

    first, second = talk(free_port, about)
    assert first.endswith("seconds")
    assert first != second


@pytest.mark.parametrize(
    ("rate", "width", "channels"),
    [(8_000, 2, 1), (44_100, 2, 2), (48_000, 4, 1), (22_050, 1, 1), (16_000, 3, 2)],
)
def test_any_rate_width_and_number_of_channels_is_transcribed(
    fake: Server, family: FakeBackend, free_port: int, rate: int, width: int, channels: int
) -> None:
    events = talk(free_port, said(*pcm(2.0, rate, width, channels)))
    assert types(events)[-1] == "transcript-stop", events
    heard = sum(sum(call.seconds) for call in family.loaded["fake"].calls)
    assert heard == pytest.approx(2.0, abs=0.1)


def test_the_served_models_are_described(whisper: Server, free_port: int) -> None:
    (event,) = talk(free_port, said(Describe()))
    (program,) = Info.from_event(event).asr
    assert program.supports_transcript_streaming
    models = {model.name: model for model in program.models}
    assert program.models[0].name == "whisper-base"
    assert all(model.installed for model in program.models)
    assert {"ru", "en"} <= set(models["whisper-base"].languages)
    assert models["whisper-base"].attribution.name == "Systran"
    assert {"ru", "en"} <= set(models["echo"].languages)
    with whisper.client() as client:
        here = {model["id"] for model in client.get("/v1/models").json()["data"]}
    assert set(models) == here


def test_silence_is_an_empty_text(fake: Server, free_port: int) -> None:
    quiet = [AudioStart(16_000, 2, 1), AudioChunk(16_000, 2, 1, bytes(64_000)), AudioStop()]
    assert types(talk(free_port, said(*quiet))) == ["transcript-start", "transcript", "transcript-stop"]


def test_no_sound_at_all_is_an_empty_text_too(fake: Server, free_port: int) -> None:
    async def about(client: AsyncTcpClient) -> Event | None:
        await client.write_event(AudioStart(16_000, 2, 1).event())
        await client.write_event(AudioStop().event())
        return await client.read_event()

    event = talk(free_port, about)
    assert (event.type, event.data["text"]) == ("transcript", "")


@pytest.mark.parametrize(
    ("events", "code", "words"),
    [
        ([Transcribe(name="absent"), *pcm(0.5)], "model_not_found", "absent"),
        ([Transcribe(language="klingon"), *pcm(0.5)], None, "klingon"),
        ([Event("transcribe", {"language": 7}), *pcm(0.5)], None, "texts"),
        ([Event("audio-chunk", {"rate": 16_000})], None, "audio-chunk"),
        ([AudioStart(16_000, 2, 1), AudioChunk(8_000, 2, 1, b"ab")], "invalid_audio", "changes"),
        ([AudioStart(0, 2, 1)], "invalid_audio", "is not supported"),
    ],
    ids=["model", "language", "no text", "no format", "changes", "format"],
)
def test_errors_are_sent(fake: Server, free_port: int, events: Any, code: str, words: str) -> None:
    told, text = error_of(talk(free_port, said(*events)))
    assert words in text
    assert code is None or told == code


@pytest.mark.parametrize(
    "sent", [b"{}\n", b"not json\n", b"[1]\n", b'{"type": "x", "payload_length": 9000000000}\n']
)
def test_an_invalid_event_is_an_error_and_ends_the_connection(
    fake: Server, free_port: int, sent: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", free_port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert json.loads(answer.splitlines()[0])["type"] == "error"


def test_a_page_in_a_browser_cannot_speak_to_it(fake: Server, family: FakeBackend, free_port: int) -> None:
    events = (
        b'{"type": "describe"}\n{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 1}}\n'
    )
    head = f"POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: {len(events)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", free_port), timeout=SECONDS) as connection:
        connection.sendall(head.encode() + events)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert answer.count(b'"type"') == 1
    assert b'"error"' in answer


def test_unknown_events_are_ignored(fake: Server, free_port: int) -> None:
    events = talk(free_port, said(Event("select-program", {"name": "govor"}), Ping("hello")))
    assert [(event.type, event.data["text"]) for event in events] == [("pong", "hello")]


def test_a_recording_that_is_too_long_is_refused_while_it_comes(
    run: Run, family: FakeBackend, free_port: int
) -> None:
    run(family, max_seconds=1)
    code, text = error_of(talk(free_port, said(*pcm(1.5)[:-1])))
    assert (code, "longer than 1 seconds" in text) == ("invalid_audio", True)


def test_the_recording_of_a_client_that_disconnects_is_cancelled(run: Run, free_port: int) -> None:
    gate = threading.Event()
    family = FakeBackend("fake", recognizer=lambda spec: FakeRecognizer(spec, gate=gate))
    server = run(family)

    async def about(client: AsyncTcpClient) -> None:
        for event in pcm(2.0):
            await client.write_event(event.event())
        await client.read_event()  # transcript-start: it is in progress
        assert await soon(lambda: "fake" in family.loaded)
        assert await asyncio.to_thread(family.loaded["fake"].begun.acquire, timeout=SECONDS)
        assert server.service.admission.inside == 1

    try:
        talk(free_port, about)
        assert eventually(lambda: server.service.admission.inside == 0)
    finally:
        gate.set()
    assert server.service.transcribed == 0


def test_too_many_clients_are_refused(fake: Server, free_port: int) -> None:
    async def crowd() -> list[Event]:
        others = [AsyncTcpClient("127.0.0.1", free_port, read_timeout=SECONDS) for _ in range(3)]
        for other in others:
            await other.connect()
            await said(Ping("here"))(other)
        async with AsyncTcpClient("127.0.0.1", free_port, read_timeout=SECONDS) as late:
            refused = await until_answered(late)
        for other in others:
            await other.disconnect()
        return refused

    assert error_of(asyncio.run(crowd()))[0] == "busy"


def test_a_port_that_is_taken_is_the_plugins_failure_and_not_the_servers(
    run: Run, free_port: int, samples: Path
) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        server = run()
        with server.client() as client:
            plugins = {one["name"]: one for one in client.get("/v1/plugins").json()["data"]}
    assert plugins["wyoming"]["state"] == "failed"
    assert f"Cannot listen on 127.0.0.1, port {free_port}" in plugins["wyoming"]["reason"]
    assert server.post(samples / "ru_short.wav", model="echo").status_code == 200


def test_the_port_is_free_again_when_the_server_has_stopped(fake: Server, free_port: int) -> None:
    assert fake.stop()
    with pytest.raises(ConnectionRefusedError):
        talk(free_port, said(Describe()))


def test_audio_is_recognised_while_it_comes_and_never_on_disk(
    run: Run, free_port: int, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    family = FakeBackend("fake")
    run(family, spool_dir=spool)

    async def about(client: AsyncTcpClient) -> list[Event]:
        *events, stop = pcm(2.0)
        quiet = AudioChunk(16_000, 2, 1, bytes(5 * 32_000))
        for event in (*events, quiet):
            await client.write_event(event.event())
        assert await soon(lambda: "fake" in family.loaded)
        assert await asyncio.to_thread(family.loaded["fake"].begun.acquire, timeout=SECONDS)
        assert list(spool.iterdir()) == []
        return await said(stop)(client)

    assert types(talk(free_port, about))[-2:] == ["transcript", "transcript-stop"]


def test_a_request_amid_its_audio_is_an_error(fake: Server, free_port: int) -> None:
    _, text = error_of(talk(free_port, said(*pcm(1.0)[:-1], Transcribe(language="ru"))))
    assert "comes before the audio" in text
