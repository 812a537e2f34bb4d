"""gigastt's document, request by request: raw bodies, words, flat errors, its events and its model object."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.contract.models import Feature, ModelSpec
from govor.errors import TranscriptionFailed
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeLongForm, FakeRecognizer, plugins_of
from miniature.heldout import HeldOut
from support.processes.servers import Server
from support.sound import media
from support.waiting import eventually

FILE, STREAM = "/v1/transcribe", "/v1/transcribe/stream"
WORDS = ModelSpec("fake", features=frozenset({Feature.WORDS}))
SPEECH = Path(__file__).parents[1] / "data/ru_short.wav"


def content_of(spoken: HeldOut, kind: str) -> bytes:
    """Return the recording in a container and codec."""
    samples = spoken.samples()
    if kind == "wav":
        return media.wav(samples)
    container, codec, rate = {
        "mp3": ("mp3", "libmp3lame", 44_100),
        "m4a": ("mp4", "aac", 44_100),
        "ogg": ("ogg", "libopus", 48_000),
        "flac": ("flac", "flac", 16_000),
    }[kind]
    return media.encode([samples], rate, container, codec)


@pytest.fixture
def fake(serve: Callable[..., Server]) -> Callable[..., Server]:
    """Start a server of a fake model that gives words."""

    def start(recognizer: Any = FakeRecognizer, **settings: Any) -> Server:
        family = FakeBackend(WORDS, recognizer=recognizer)
        plugins = plugins_of(Settings(), family=family, ear=FakeDetector())
        return serve(plugins, default_models=("fake",), preload=(), **settings)

    return start


def sound(seconds: float) -> bytes:
    """Return so many seconds of speech."""
    samples, _ = media.read_wav(SPEECH)
    return media.wav(np.resize(samples, int(seconds * 16_000)))


def flat(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the error's body, after checking that it has exactly gigastt's keys."""
    body = response.json()
    assert (response.status_code, body.get("code")) == (status, code), response.text
    assert set(body) - {"retry_after_ms"} == {"error", "code"}
    assert isinstance(body["error"], str)
    assert body["error"]
    return dict(body)


def test_health_has_status_model_and_version(client: httpx.Client) -> None:
    body = client.get("/health").json()
    assert (body["status"], body["model"]) == ("ok", "mini-v3_ctc")
    assert body["version"].count(".") == 2


def test_the_list_of_models_is_also_the_object_of_the_loaded_model(client: httpx.Client) -> None:
    assert client.get("/ready").status_code in (200, 503)
    assert client.post(FILE, content=media.silence(1)).status_code == 200  # so that the model is loaded
    body = client.get("/v1/models").json()
    kinds = {
        "id": str,
        "name": str,
        "version": str,
        "encoder": str,
        "vocab_size": int,
        "sample_rate": int,
        "pool_size": int,
        "pool_available": int,
        "supported_formats": list,
        "supported_rates": list,
        "diarization": bool,
    }
    assert {key: type(body[key]) for key in kinds} == kinds
    assert body["id"] == "mini-v3_ctc"
    assert body["encoder"] in ("fp32", "int8")
    assert body["sample_rate"] == 16000
    assert 0 < body["pool_available"] <= body["pool_size"]
    assert {"wav", "mp3", "m4a", "ogg", "flac"} <= set(body["supported_formats"])
    assert body["supported_rates"] == [8000, 16000, 24000, 44100, 48000]
    assert body["diarization"] is False


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("wav", "audio/wav"),
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/flac"),
        ("flac", "application/octet-stream"),
        ("wav", None),
        ("wav", "application/json"),
    ],
)
def test_a_body_of_any_type_is_transcribed(
    client: httpx.Client, spoken: HeldOut, kind: str, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post(FILE, content=content_of(spoken, kind), headers=headers)
    body = response.json()
    assert response.status_code == 200, body
    assert list(body) == ["text", "words", "duration"]
    assert body["text"] == spoken.plain
    assert " ".join(word["word"] for word in body["words"]) == spoken.plain
    assert all({"word", "start", "end"} <= set(word) for word in body["words"])
    assert body["duration"] == pytest.approx(len(spoken.samples()) / 16_000, abs=0.2)


def test_a_chunked_body_and_a_form_are_taken_too(client: httpx.Client, spoken: HeldOut) -> None:
    content = content_of(spoken, "wav")
    chunks = (content[start : start + 10_000] for start in range(0, len(content), 10_000))
    form = client.post(FILE, files={"audio": ("a.wav", content)})
    assert client.post(FILE, content=chunks).json() == form.json()
    assert form.json()["text"] == spoken.plain


def test_the_words_have_the_times_of_the_recording(client: httpx.Client, spoken: HeldOut) -> None:
    words = client.post(FILE, content=content_of(spoken, "wav")).json()["words"]
    for word, (start, end) in zip(words, spoken.words, strict=True):
        assert word["start"] == pytest.approx(start, abs=0.25)
        assert word["end"] == pytest.approx(end, abs=0.25)


def test_a_stream_has_partial_then_final(client: httpx.Client, spoken: HeldOut, events: Any) -> None:
    before = time.time()
    told = [event.json() for event in events(client.post(STREAM, content=content_of(spoken, "ogg")))]
    assert [event["type"] for event in told] == ["partial", "final"]
    assert [event["text"] for event in told] == [spoken.plain, spoken.plain]
    for event in told:
        assert list(event) == ["type", "text", "timestamp", "words"]
        assert before - 1 <= event["timestamp"] <= time.time() + 1
        assert [word["word"] for word in event["words"]] == spoken.plain.split()
        assert all({"word", "start", "end"} <= set(word) for word in event["words"])


def test_the_finals_of_a_stream_are_the_text_of_the_plain_route(
    server: Server, samples: Path, events: Any
) -> None:
    content = (samples / "ru.wav").read_bytes()
    with server.client() as client:
        plain = client.post(FILE, content=content).json()
        told = [event.json() for event in events(client.post(STREAM, content=content))]
    finals = [event for event in told if event["type"] == "final"]
    assert len(finals) > 1
    assert " ".join(event["text"] for event in finals) == plain["text"]
    assert [word for event in finals for word in event["words"]] == plain["words"]


def test_a_silent_stream_has_one_empty_final(client: httpx.Client, events: Any) -> None:
    (event,) = events(client.post(STREAM, content=media.silence(1)))
    assert (event.name, event.json()["type"], event.json()["text"], event.json()["words"]) == (
        "",
        "final",
        "",
        [],
    )


def test_a_stream_is_kept_open_by_comments_and_ends_without_done(fake: Any, events: Any) -> None:
    gate = threading.Event()
    server = fake(lambda spec: FakeLongForm(spec, gate=gate), keep_alive_seconds=0.05)
    with server.client() as client, client.stream("POST", STREAM, content=sound(1)) as response:
        lines = response.iter_lines()
        assert next(lines).startswith(":")
        gate.set()
        rest = "\n".join(lines)
    assert "[DONE]" not in rest
    assert '"type":"final"' in rest


def test_an_error_in_mid_stream_has_type_message_and_code(fake: Any, events: Any) -> None:
    class Failing(FakeLongForm):
        def transcribe_long(self, audio: Any, options: Any) -> Iterator[Any]:
            yield from list(super().transcribe_long(audio[:16_000], options))
            raise TranscriptionFailed("The model broke.")

    with fake(Failing).client() as client:
        told = events(client.post(STREAM, content=sound(3)))
    assert told[-1].json() == {"type": "error", "message": "The model broke.", "code": "inference_error"}


@pytest.mark.parametrize("path", [FILE, STREAM])
def test_an_empty_body_is_400(client: httpx.Client, path: str) -> None:
    flat(client.post(path), 400, "empty_body")
    flat(client.post(path, headers={"content-type": "audio/wav"}), 400, "empty_body")


@pytest.mark.parametrize("path", [FILE, STREAM])
def test_a_file_that_cannot_be_decoded_is_422(client: httpx.Client, path: str) -> None:
    flat(client.post(path, content=b"no audio" * 100), 422, "invalid_audio")


@pytest.mark.parametrize("path", [FILE, STREAM])
def test_a_model_that_fails_is_422(fake: Any, path: str) -> None:
    server = fake(lambda spec: FakeRecognizer(spec, failure=RuntimeError("out of luck")))
    with server.client() as client:
        flat(client.post(path, content=sound(1)), 422, "transcription_error")


def test_a_body_over_50_mib_is_413_whatever_other_routes_take(fake: Any) -> None:
    assert Settings().compat.gigastt_max_upload_mb * 1e6 == 52_428_800
    server = fake(max_upload_mb=10, compat={"gigastt_max_upload_mb": 0.1})
    large = media.silence(5)
    with server.client() as client:
        flat(client.post(FILE, content=large), 413, "payload_too_large")
        flat(
            client.post(FILE + "/", content=iter([large[:70_000], large[70_000:]])), 413, "payload_too_large"
        )
    assert server.post(large).status_code == 200


def test_a_recording_over_ten_minutes_is_422_whatever_other_routes_take(fake: Any, tmp_path: Path) -> None:
    server = fake()
    long = media.write_hours(tmp_path / "long.wav", 601).read_bytes()
    with server.client() as client:
        flat(client.post(FILE, content=long), 422, "invalid_audio")
        assert client.post(FILE, content=long[: 599 * 32_000]).status_code == 200
    assert server.post(long).status_code == 200


@pytest.mark.parametrize("path", [FILE, STREAM])
def test_a_busy_server_asks_back_in_30_seconds(fake: Any, path: str) -> None:
    gate = threading.Event()
    server = fake(lambda spec: FakeRecognizer(spec, gate=gate), max_queue=1)
    first = threading.Thread(target=lambda: server.post(sound(1)))
    first.start()
    with server.client() as client:
        assert eventually(lambda: server.service.admission.inside == 1)
        refused = client.post(path, content=sound(1))
        other = server.post(sound(1))
    gate.set()
    first.join()
    assert flat(refused, 503, "timeout")["retry_after_ms"] == 30_000
    assert refused.headers["retry-after"] == "30"
    assert (other.status_code, other.json()["error"]["code"]) == (503, "server_busy")
    assert other.headers["retry-after"] != "30"


def test_a_server_that_stops_says_pool_closed(fake: Any) -> None:
    server = fake()
    asyncio.run_coroutine_threadsafe(server.service.pool.close(), server.loop).result(10)
    with server.client() as client:
        flat(client.post(FILE, content=sound(1)), 503, "pool_closed")


def test_metrics_are_404_while_they_are_off(client: httpx.Client) -> None:
    flat(client.get("/metrics"), 404, "metrics_disabled")


@pytest.mark.parametrize("path", [FILE, STREAM])
def test_errors_of_the_framework_are_flat_too(client: httpx.Client, path: str) -> None:
    flat(client.get(path), 405, "method_not_allowed")
    flat(
        client.post(path, headers={"content-type": "multipart/form-data"}, content=b"x"), 400, "invalid_param"
    )
    flat(client.post(path, files={"a": (None, b"x")}), 400, "missing_file")
    flat(client.post(path + "?format=pdf", content=b"x"), 400, "invalid_param")
    flat(client.post(path + "?model=none", content=b"x"), 404, "model_not_found")


def test_a_key_is_asked_for_in_the_same_shape(fake: Any) -> None:
    with fake(api_keys=("secret",)).client() as client:
        refused = client.post(FILE, content=sound(1))
        flat(refused, 401, "invalid_api_key")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert client.post(FILE, content=sound(1), headers={"authorization": "Bearer secret"}).is_success


def test_readiness_has_the_pool(client: httpx.Client, serve: Any) -> None:
    assert eventually(lambda: client.get("/ready").status_code == 200)
    body = client.get("/ready").json()
    assert body["status"] == "ready"
    assert 0 < body["pool_available"] <= body["pool_total"]
    gate = threading.Event()
    loading = serve(plugins_of(Settings(), family=FakeBackend("fake", gate=gate)), default_models=("fake",))
    with loading.client() as other:
        waiting = other.get("/ready")
    gate.set()
    assert waiting.status_code == 503
    assert waiting.json()["status"] == "not_ready"


def test_a_busy_pool_is_not_ready_where_the_operator_wants_it_so(serve: Any) -> None:
    gate = threading.Event()
    family = FakeBackend(WORDS, recognizer=lambda spec: FakeRecognizer(spec, gate=gate))
    plugins = plugins_of(Settings(), family=family, ear=FakeDetector())
    server = serve(plugins, default_models=("fake",), compat={"not_ready_when_busy": True})
    with server.client() as client:
        assert eventually(lambda: client.get("/ready").status_code == 200)
        asking = threading.Thread(target=lambda: server.post(sound(1)))
        asking.start()
        expected = {"ready": False, "status": "not_ready", "reason": "pool_exhausted"}
        expected |= {"pool_available": 0, "pool_total": 1}  # type: ignore[dict-item]
        assert eventually(lambda: client.get("/ready").json().items() >= expected.items())
        gate.set()
        asking.join()
        assert eventually(lambda: client.get("/ready").status_code == 200)


@pytest.mark.parametrize(
    ("query", "content_type", "begins"),
    [
        ("format=txt", "text/plain; charset=utf-8", "{plain}"),
        ("format=srt", "application/x-subrip; charset=utf-8", "1\n00:00:00,"),
        ("format=vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00."),
        ("format=md", "text/markdown; charset=utf-8", "---\nduration: "),
        ("format=JSON", "application/json", '{{"text":"{plain}"'),
    ],
)
def test_newer_formats_are_written(
    client: httpx.Client, spoken: HeldOut, query: str, content_type: str, begins: str
) -> None:
    response = client.post(f"{FILE}?{query}", content=content_of(spoken, "ogg"))
    assert response.headers["content-type"] == content_type
    assert response.text.startswith(begins.format(plain=spoken.plain))
    assert spoken.plain in response.text


def test_markdown_has_a_table_of_words_or_headings(client: httpx.Client, spoken: HeldOut) -> None:
    content = content_of(spoken, "ogg")
    table = client.post(f"{FILE}?format=md&word_timestamps=true", content=content).text
    assert table.count("s |\n") == len(spoken.words)
    assert "### [00:00]\n\n" + spoken.plain in client.post(f"{FILE}?format=md&segments", content=content).text


def test_segments_are_utterances_with_their_words(client: httpx.Client, spoken: HeldOut) -> None:
    body = client.post(f"{FILE}?segments=true", content=content_of(spoken, "ogg")).json()
    (segment,) = body["segments"]
    assert list(segment) == ["start", "end", "text", "words"]
    assert (segment["text"], segment["words"]) == (spoken.plain, body["words"])


def test_an_answer_can_be_a_file(client: httpx.Client, spoken: HeldOut) -> None:
    content = content_of(spoken, "ogg")
    named = client.post(f"{FILE}?format=srt&download=a%0d%0ab/..%22c.srt", content=content)
    assert named.headers["content-disposition"] == "attachment; filename=a__b_.._c.srt"
    cyrillic = client.post(FILE, params={"format": "srt", "download": "речь.srt"}, content=content)
    encoded = "%D1%80%D0%B5%D1%87%D1%8C.srt"
    disposition = f"attachment; filename=____.srt; filename*=UTF-8''{encoded}"
    assert cyrillic.headers["content-disposition"] == disposition
    unnamed = client.post(f"{FILE}?format=srt&download", content=content)
    assert unnamed.headers["content-disposition"] == "attachment; filename=transcript.srt"


def test_language_auto_is_no_language(client: httpx.Client, spoken: HeldOut) -> None:
    answer = client.post(FILE, content=content_of(spoken, "wav"), params={"language": "auto"})
    assert answer.json()["text"] == spoken.plain


def test_ignored_options_are_named(client: httpx.Client) -> None:
    response = client.post(f"{FILE}?punctuation=true", content=media.silence(1))
    assert response.headers["x-govor-ignored"] == response.headers["x-stt-ignored"] == "punctuation"
    response = client.post(f"{FILE}?itn=false&punctuation=false", content=media.silence(1))
    assert "x-govor-ignored" not in response.headers


def test_nothing_of_this_shows_on_the_routes_of_others(client: httpx.Client) -> None:
    response = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"no audio" * 100)})
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    raw = client.post(
        "/v1/audio/transcriptions", content=media.silence(1), headers={"content-type": "audio/wav"}
    )
    assert (raw.status_code, raw.json()["error"]["code"]) == (415, "unsupported_media_type")
