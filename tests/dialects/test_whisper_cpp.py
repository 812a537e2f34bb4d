"""whisper.cpp's server: /inference with its form, /load, and errors as plain text."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from miniature.heldout import HeldOut
from support.processes.servers import Server


def ask(client: httpx.Client, content: bytes, **fields: str) -> httpx.Response:
    return client.post("/inference", files={"file": ("a.ogg", content)}, data=fields)


def flat(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error", "code"}
    return str(response.json()["error"])


def test_json_has_the_text_alone(client: httpx.Client, recorded: bytes, spoken: HeldOut) -> None:
    assert ask(client, recorded, temperature="0.0", response_format="json").json() == {"text": spoken.plain}


@pytest.mark.parametrize(
    ("response_format", "content_type", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "{plain}\n"),
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:00,"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00."),
    ],
)
def test_texts_and_subtitles_have_its_media_types(
    client: httpx.Client,
    recorded: bytes,
    spoken: HeldOut,
    response_format: str,
    content_type: str,
    begins: str,
) -> None:
    answer = ask(client, recorded, response_format=response_format)
    assert answer.headers["content-type"] == content_type
    assert answer.text.startswith(begins.format(plain=spoken.plain))


def test_verbose_json_has_words_inside_segments(
    client: httpx.Client, recorded: bytes, spoken: HeldOut
) -> None:
    body = ask(client, recorded, response_format="verbose_json").json()
    assert list(body) == ["task", "language", "duration", "text", "segments", "detected_language"]
    assert (body["task"], body["language"], body["detected_language"]) == ("transcribe", "russian", "russian")
    (segment,) = body["segments"]
    assert {"id", "text", "start", "end", "tokens", "words", "avg_logprob"} <= set(segment)
    assert [word["word"] for word in segment["words"]] == spoken.plain.split()
    assert set(segment["words"][0]) == {"word", "start", "end", "t_dtw", "probability"}


def test_times_and_words_can_be_left_out(client: httpx.Client, recorded: bytes) -> None:
    fields = {"response_format": "verbose_json", "no_timestamps": "true", "token_timestamps": "false"}
    (segment,) = ask(client, recorded, **fields).json()["segments"]
    assert "start" not in segment
    assert segment["words"] == []


def test_translate_and_languages_are_honoured(server: Server, samples: Any, transcripts: Any) -> None:
    content = (samples / "ru_short.wav").read_bytes()
    with server.client() as client:
        english = ask(client, content, translate="true", language="auto").json()["text"]
        russian = ask(client, content, language="en", detect_language="true").json()["text"]
    assert english.isascii()
    assert russian == transcripts["ru_short.wav"]["whisper_base"]


def test_voice_detection_can_be_tuned_or_left_out(
    client: httpx.Client, recorded: bytes, spoken: HeldOut
) -> None:
    assert ask(client, recorded, vad="false").json()["text"] == spoken.plain
    fields = {"vad_threshold": "0.4", "vad_min_silence_duration_ms": "500", "vad_speech_pad_ms": "200"}
    assert ask(client, recorded, **fields).json()["text"] == spoken.plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vad_speech_pad_ms", "0"),
        ("vad_min_silence_duration_ms", "100"),
        ("vad_min_speech_duration_ms", "60000"),
    ],
)
def test_each_number_of_voice_detection_counts_alone(
    server: Server, samples: Any, field: str, value: str
) -> None:
    content = (samples / "ru.wav").read_bytes()
    with server.client() as client:
        alone = ask(client, content, model="echo", **{field: value}).json()["text"]
        together = ask(client, content, model="echo", vad_threshold="0.5", **{field: value}).json()["text"]
        without = ask(client, content, model="echo").json()["text"]
    assert alone == together != without


def test_ignored_options_are_named_unless_they_ask_for_nothing(client: httpx.Client, recorded: bytes) -> None:
    answer = ask(client, recorded, beam_size="5", best_of="2", offset_t="0", diarize="false")
    assert answer.headers["x-govor-ignored"] == "beam_size, best_of"


def test_load_chooses_the_model_of_inference_alone(
    client: httpx.Client, recorded: bytes, spoken: HeldOut
) -> None:
    try:
        loaded = client.post("/load", files={"model": (None, "models/mini-v3_e2e_ctc.bin")})
        assert (loaded.status_code, loaded.text) == (200, "Load was successful!")
        assert ask(client, recorded).headers["x-govor-model"] == "mini-v3_e2e_ctc"
        assert ask(client, recorded, model="v3_rnnt").headers["x-govor-model"] == "mini-v3_rnnt"
        other = client.post("/v1/audio/transcriptions", files={"file": ("a.ogg", recorded)})
        assert other.headers["x-govor-model"] == "mini-v3_ctc"
    finally:
        assert client.post("/load", data={"model": "mini-v3_ctc"}).is_success


def test_load_takes_json_too(client: httpx.Client, recorded: bytes) -> None:
    try:
        assert client.post("/load", json={"model": "mini-v3_rnnt", "more": "a=b&model=x"}).is_success
        assert ask(client, recorded).headers["x-govor-model"] == "mini-v3_rnnt"
    finally:
        assert client.post("/load", json={"model": "mini-v3_ctc"}).is_success


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"model": ""}', '{"model": 1}', '{"model": " "}'])
def test_json_that_names_no_model_is_refused(client: httpx.Client, body: str) -> None:
    refused = client.post("/load", content=body, headers={"content-type": "application/json"})
    assert "model" in flat(refused, 400)


def test_a_model_that_is_not_there_is_an_error(client: httpx.Client) -> None:
    assert "mini-v3_ctc" in flat(client.post("/load", data={"model": "models/none.bin"}), 404)
    assert "model" in flat(client.post("/load", data={"other": "x"}), 400)


def test_errors_are_a_text(client: httpx.Client, recorded: bytes) -> None:
    assert "file" in flat(client.post("/inference", files={"other": ("a", b"b")}), 400)
    flat(ask(client, b"no audio" * 100), 400)
    flat(ask(client, recorded, response_format="pdf"), 400)
    flat(ask(client, recorded, temperature="hot"), 400)
    flat(client.get("/inference"), 405)
