"""go-whisper's document, request by request: named events, rich JSON below /api/v1, its list of models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.contract.models import ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of
from support.models.hub_standin import standing_in
from support.models.small_models import BYTES, file_of
from support.processes.servers import Server
from support.sound import media

TRANSCRIBE, TRANSLATE = "audio/transcriptions", "audio/translations"


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def form(samples: Path) -> dict[str, Any]:
    """Return the form of its clients."""
    return {
        "files": {"file": ("ru.wav", (samples / "ru_short.wav").read_bytes())},
        "data": {"model": "whisper-base"},
    }


@pytest.mark.parametrize("path", ["/v1/ping", "/v1/health", "/api/v1/ping", "/api/v1/health"])
def test_a_ping_is_answered(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
def test_models_are_listed_under_the_key_models(client: httpx.Client, base: str) -> None:
    body = client.get(f"{base}/models").json()
    assert body["object"] == "list"
    model = next(model for model in body["models"] if model["id"] == "whisper-base")
    assert (model["object"], model["path"]) == ("model", "whisper/whisper-base")
    assert isinstance(model["created"], int)
    assert body["models"] == body["data"]


@pytest.mark.parametrize("name", ["ggml-base", "GGML-base-q5_1"])
def test_the_names_of_ggml_files_lead_to_the_model(client: httpx.Client, name: str) -> None:
    body = client.get(f"/api/v1/models/{name}").json()
    assert (body["id"], body["name"]) == (name, "whisper-base")


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
def test_a_stream_has_ping_task_segments_and_ok(
    client: httpx.Client, form: Any, samples: Path, events: Any, transcripts: Any, base: str
) -> None:
    form["files"] = {"file": ("en.wav", (samples / "en.wav").read_bytes())}
    form["data"] |= {"language": "en", "response_format": "verbose_json"}
    told = events(client.post(f"{base}/{TRANSCRIBE}?stream=true", **form))
    assert told[0].name == "ping"
    task, *segments, end = (event for event in told if event.name != "ping")  # a busy machine sends several
    assert (task.name, {event.name for event in segments}, end.name) == ("task", {"segment"}, "ok")
    assert (task.json()["task"], task.json()["language"]) == ("transcribe", "en")
    assert task.json()["duration"] == pytest.approx(12.5, abs=1)
    segments = [event.json() for event in segments]
    assert [segment["id"] for segment in segments] == list(range(len(segments)))
    assert all(list(segment) == ["id", "start", "end", "text"] for segment in segments)
    assert all(one["end"] <= after["start"] + 0.05 for one, after in pairwise(segments))
    assert " ".join(segment["text"] for segment in segments) == transcripts["en.wav"]["whisper_base"]
    assert {event.data for event in told if event.name in ("ping", "ok")} == {""}


def test_a_segment_of_a_stream_has_words_where_they_are_asked_for(
    client: httpx.Client, form: Any, events: Any
) -> None:
    form["data"] |= {"response_format": "verbose_json", "timestamp_granularities": "word,segment"}
    told = events(client.post(f"/v1/{TRANSCRIBE}?stream=true", **form))
    (segment,) = [event.json() for event in told if event.name == "segment"]
    assert [word["word"] for word in segment["words"]][:2] == ["Я", "хочу"]
    assert segment["language"] == "ru"
    assert segment["avg_logprob"] < 0


def test_a_streamed_translation_is_of_english(client: httpx.Client, samples: Path, events: Any) -> None:
    files = {"file": ("ru.wav", (samples / "ru_short.wav").read_bytes())}
    told = events(client.post(f"/v1/{TRANSLATE}?stream=1", files=files, data={"model": "whisper-base"}))
    task, segment, end = (event for event in told if event.name != "ping")  # a busy machine sends several
    assert (told[0].name, task.name, segment.name, end.name) == ("ping", "task", "segment", "ok")
    assert (task.json()["task"], task.json()["language"]) == ("translate", "en")
    assert segment.json()["text"].isascii()


def test_a_silent_stream_has_a_task_and_is_ok(client: httpx.Client, events: Any) -> None:
    files = {"file": ("a.wav", media.silence(1))}
    told = events(client.post(f"/v1/{TRANSCRIBE}?stream=true", files=files, data={"model": "whisper-base"}))
    task, end = (event for event in told if event.name != "ping")
    assert (told[0].name, task.name, end.name) == ("ping", "task", "ok")
    assert task.json()["duration"] == 1.0


def test_the_form_decides_where_both_ask_for_a_stream(client: httpx.Client, form: Any, events: Any) -> None:
    form["data"]["stream"] = "true"
    told = events(client.post(f"/v1/{TRANSCRIBE}?stream=true", **form))
    assert {event.name for event in told} == {"transcript.text.delta", "transcript.text.done", ""}
    assert told[0].json()["type"] == "transcript.text.delta"
    form["data"]["stream"] = "false"
    assert "text" in client.post(f"/v1/{TRANSCRIBE}?stream=true", **form).json()


@pytest.mark.parametrize("value", ["perhaps", "2"])
def test_a_stream_is_a_boolean(client: httpx.Client, form: Any, value: str) -> None:
    error = client.post(f"/v1/{TRANSCRIBE}?stream={value}", **form).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_param", "stream")


def test_below_api_v1_json_is_rich(client: httpx.Client, form: Any, transcripts: Any) -> None:
    body = client.post(f"/api/v1/{TRANSCRIBE}", **form).json()
    assert list(body) == ["task", "language", "duration", "text", "segments"]
    assert (body["task"], body["language"]) == ("transcribe", "ru")
    assert body["text"] == transcripts["ru_short.wav"]["whisper_base"]
    assert list(body["segments"][0]) == ["id", "start", "end", "text"]
    assert body["segments"][-1]["end"] <= body["duration"] + 0.1
    plain = client.post(f"/v1/{TRANSCRIBE}", **form).json()
    assert set(plain) == {"text", "languages", "usage"}


@pytest.mark.parametrize(
    ("response_format", "begins"),
    [("text", "Я хочу"), ("srt", "1\n00:00:0"), ("vtt", "WEBVTT"), ("verbose_json", '{"task"')],
)
def test_other_formats_are_what_they_say(
    client: httpx.Client, form: Any, response_format: str, begins: str
) -> None:
    form["data"]["response_format"] = response_format
    answer = client.post(f"/api/v1/{TRANSCRIBE}", **form)
    assert answer.text.startswith(begins)
    if response_format == "verbose_json":
        assert answer.json()["language"] == "ru"


def test_a_translation_names_english(client: httpx.Client, samples: Path) -> None:
    files = {"file": ("ru.wav", (samples / "ru_short.wav").read_bytes())}
    body = client.post(f"/api/v1/{TRANSLATE}", files=files, data={"model": "whisper-base"}).json()
    assert (body["task"], body["language"]) == ("translate", "en")


def test_a_film_is_transcribed(client: httpx.Client, samples: Path, transcripts: Any) -> None:
    samples_, _ = media.read_wav(samples / "ru_short.wav")
    film = media.encode([samples_], 44_100, "mp4", "aac", picture=True)
    files = {"file": ("film.mp4", film)}
    body = client.post(
        f"/api/v1/{TRANSCRIBE}", files=files, data={"model": "whisper-base", "language": "ru"}
    ).json()
    assert body["text"] == transcripts["ru_short.wav"]["whisper_base"]


def test_a_model_that_is_not_there_is_404(client: httpx.Client, form: Any) -> None:
    form["data"]["model"] = "ggml-nothing"
    assert client.post(f"/v1/{TRANSCRIBE}", **form).status_code == 404
    assert client.get("/api/v1/models/ggml-nothing").status_code == 404


@pytest.fixture
def fetching(serve: Callable[..., Server], tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server that can fetch ggml-medium-q5_0, and has no models."""
    with standing_in(tmp_path / "cache") as hub:
        weights = file_of("weights.bin", hub.put("owner/x", "weights.bin", BYTES))
        family = FakeBackend(ModelSpec("whisper-medium", (weights,), aliases=("ggml-medium-q5_0",)))
        plugins = plugins_of(Settings(), family=family)
        with serve(plugins, models_dir=tmp_path / "models", preload=()).client() as client:
            yield client


@pytest.mark.parametrize("how", ["json", "data", "files"])
def test_a_model_is_fetched_once_and_deleted_once(fetching: httpx.Client, how: Any) -> None:
    path = (None, "ggml-medium-q5_0.bin") if how == "files" else "ggml-medium-q5_0.bin"
    asked: dict[str, Any] = {how: {"path": path}}
    created = fetching.post("/api/v1/models", **asked)
    assert (created.status_code, created.json()["id"]) == (201, "whisper-medium")
    assert {"id", "object", "path", "created"} <= set(created.json())
    assert fetching.post("/api/v1/models", **asked).status_code == 200
    assert fetching.delete("/api/v1/models/ggml-medium-q5_0").status_code == 200
    assert fetching.delete("/api/v1/models/ggml-nothing").status_code == 404


def test_a_download_reports_its_progress_in_events(fetching: httpx.Client, events: Any) -> None:
    told = events(fetching.post("/v1/models?stream=true", json={"path": "ggml-medium-q5_0.bin"}))
    names = [event.name for event in told]
    assert (names[0], names[-1]) == ("ping", "ok")
    assert set(names[1:-1]) <= {"ping", "progress"}
    progress = next(event.json() for event in told if event.name == "progress")
    assert {"status", "total", "completed"} <= set(progress)
    assert progress["status"].startswith("downloading")
    assert {"id", "object", "path", "created"} <= set(told[-1].json())
