"""Hailo Whisper's document, request by request: probes, ids in any case, and forms only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of
from support.processes.servers import Server
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
MODEL = "Whisper-Base"
SEGMENT_KEYS = {
    "id",
    "start",
    "end",
    "text",
    "tokens",
    "temperature",
    "avg_logprob",
    "compression_ratio",
    "no_speech_prob",
}


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def ask(client: httpx.Client, path: Path, **fields: str) -> httpx.Response:
    files = {"file": (path.name, path.read_bytes())}
    return client.post(URL, files=files, data={"model": MODEL, **fields})


def test_health_has_its_five_keys(client: httpx.Client) -> None:
    body = client.get("/health").json()
    assert body["status"] == "ok"
    assert body["model"].casefold() == MODEL.casefold()
    assert isinstance(body["model_loaded"], bool)
    assert isinstance(body["uptime_seconds"], float)
    assert isinstance(body["transcriptions_processed"], int)


@pytest.mark.parametrize("path", ["/health/ready", "/ready", "/readyz", "/health/ready/"])
def test_a_server_that_is_ready_says_so(client: httpx.Client, path: str) -> None:
    assert eventually(lambda: client.get(path).status_code == 200, 60)
    assert client.get(path).json()["ready"] is True
    assert "reason" not in client.get(path).json()


def test_a_server_that_loads_is_not_ready_and_says_why(serve: Any) -> None:
    gate = threading.Event()
    family = FakeBackend("whisper-base", gate=gate)
    server = serve(plugins_of(Settings(), family=family), default_models=("whisper-base",))
    with server.client() as client:
        waiting = client.get("/health/ready")
        alive = client.get("/health")
    gate.set()
    assert waiting.status_code == 503
    assert (waiting.json()["ready"], waiting.json()["reason"]) == (False, "model_loading")
    assert (alive.status_code, alive.json()["model_loaded"]) == (200, False)


def test_models_are_listed_in_openais_shape(client: httpx.Client) -> None:
    body = client.get("/v1/models").json()
    assert body["object"] == "list"
    model = next(model for model in body["data"] if model["id"].casefold() == MODEL.casefold())
    assert model["object"] == "model"
    assert isinstance(model["created"], int)
    assert isinstance(model["owned_by"], str)


def test_json_is_the_default(client: httpx.Client, samples: Path, transcripts: Any) -> None:
    answer = ask(client, samples / "en.wav")
    assert answer.json()["text"] == transcripts["en.wav"]["whisper_base"]


def test_verbose_json_has_segments_with_their_numbers(client: httpx.Client, samples: Path) -> None:
    body = ask(client, samples / "en.wav", language="en", response_format="verbose_json").json()
    assert {"task", "language", "duration", "text", "segments"} <= set(body)
    assert (body["task"], body["language"], body["language_code"]) == ("transcribe", "english", "en")
    for number, segment in enumerate(body["segments"]):
        assert set(segment) >= SEGMENT_KEYS
        assert segment["id"] == number
        assert segment["tokens"]
        assert segment["avg_logprob"] < 0


def test_the_language_can_be_a_code_as_it_was(serve: Any, samples: Path) -> None:
    with serve(compat={"language": "code"}).client() as client:
        body = ask(client, samples / "ru_short.wav", language="ru", response_format="verbose_json").json()
    assert body["language"] == "ru"


@pytest.mark.parametrize(
    ("response_format", "content_type", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "Я хочу"),
        ("srt", "text/plain; charset=utf-8", "1\n00:00:00,"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00."),
    ],
)
def test_texts_and_subtitles_are_written(
    client: httpx.Client, samples: Path, response_format: str, content_type: str, begins: str
) -> None:
    answer = ask(client, samples / "ru_short.wav", response_format=response_format)
    assert answer.headers["content-type"] == content_type
    assert answer.text.startswith(begins)


def test_prompt_and_temperature_are_taken(client: httpx.Client, samples: Path) -> None:
    assert ask(client, samples / "ru_short.wav", prompt="Столик", temperature="0.0").status_code == 200


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [("mp3", "libmp3lame", "audio.mp3"), ("webm", "libopus", "recording.webm"), ("ogg", "libopus", "blob")],
)
def test_a_blob_of_the_browser_and_a_stream_of_ffmpeg_are_taken(
    client: httpx.Client, samples: Path, transcripts: Any, container: str, codec: str, name: str
) -> None:
    heard, _ = media.read_wav(samples / "ru_short.wav")
    blob = media.encode([heard], 48_000, container, codec)
    content = media.without_length(blob) if container == "webm" else blob
    data = {"model": MODEL, "language": "ru"}
    answer = client.post(URL, files={"file": (name, content, "application/octet-stream")}, data=data)
    assert answer.json()["text"].rstrip(".") == transcripts["ru_short.wav"]["whisper_base"].rstrip(".")


def test_the_openai_sdk_speaks_to_it(server: Server, samples: Path, transcripts: Any) -> None:
    with openai.OpenAI(api_key="not-needed", base_url=f"{server.url}/v1") as sdk:
        answer = sdk.audio.transcriptions.create(model=MODEL, file=samples / "en.wav")
    assert answer.text == transcripts["en.wav"]["whisper_base"]


@pytest.mark.parametrize("content_type", ["audio/wav", "application/octet-stream", "text/plain"])
def test_a_body_that_is_no_form_is_415(client: httpx.Client, content_type: str) -> None:
    answer = client.post(URL, content=media.silence(1), headers={"content-type": content_type})
    assert answer.status_code == 415
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_missing_file_is_400(client: httpx.Client) -> None:
    answer = client.post(URL, files={"other": ("a", b"b")}, data={"model": MODEL})
    assert answer.status_code == 400
    assert {"message", "type"} <= set(answer.json()["error"])
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_25_mb_and_300_s_are_settings(serve: Any, tmp_path: Path) -> None:
    server = serve(max_upload_mb=25, max_audio_seconds=300, preload=())
    assert server.post(bytes(26_000_000), model="echo").status_code == 413
    long = media.write_hours(tmp_path / "long.wav", 301)
    answer = server.post(long, model="echo")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "audio_too_long")
