"""whisper-asr-webservice: /asr and /detect-language, as Bazarr and others call them."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.sound import media

SPOKEN = "Я хочу заказать столик на двоих."


@pytest.fixture
def whisper(server: Any) -> Iterator[httpx.Client]:
    """A client of the server of Whisper."""
    with server.client() as client:
        yield client


@pytest.fixture
def short(samples: Path) -> bytes:
    """A short Russian recording."""
    return (samples / "ru_short.wav").read_bytes()


def decoded(recording: bytes) -> bytes:
    """Return its samples alone."""
    with wave.open(BytesIO(recording)) as file:
        return file.readframes(file.getnframes())


def ask(client: httpx.Client, content: bytes, name: str = "talk.wav", **query: str) -> httpx.Response:
    answer = client.post("/asr", params=query, files={"audio_file": (name, content)})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("output", "content_type", "begins"),
    [
        ("txt", "text/plain; charset=utf-8", SPOKEN),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00."),
        ("srt", "text/plain; charset=utf-8", "1\n00:00:00,"),
        ("tsv", "text/tab-separated-values; charset=utf-8", "start\tend\ttext\n"),
    ],
)
def test_texts_come_as_files_named_after_the_recording(
    whisper: httpx.Client, short: bytes, output: str, content_type: str, begins: str
) -> None:
    answer = ask(whisper, short, output=output)
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"] == f"attachment; filename=talk.wav.{output}"
    assert answer.text.startswith(begins)


def test_a_table_has_milliseconds_and_the_text(whisper: httpx.Client, short: bytes) -> None:
    (row,) = ask(whisper, short, output="tsv").text.splitlines()[1:]
    start, end, text = row.split("\t")
    assert 0 <= int(start) < int(end) <= 3500
    assert text == SPOKEN


def test_json_is_whispers_result_with_words_where_they_are_asked_for(
    whisper: httpx.Client, short: bytes
) -> None:
    body = ask(whisper, short, output="json", word_timestamps="true").json()
    assert list(body) == ["text", "segments", "language"]
    assert (body["text"], body["language"]) == (SPOKEN, "ru")
    (segment,) = body["segments"]
    assert {"id", "start", "end", "text", "tokens", "words"} <= set(segment)
    assert " ".join(word["word"] for word in segment["words"]) == SPOKEN
    assert "words" not in ask(whisper, short, output="json").json()["segments"][0]


def test_a_recording_without_a_header_is_transcribed(whisper: httpx.Client, short: bytes) -> None:
    query = {"task": "transcribe", "language": "ru", "output": "txt", "encode": "false"}
    assert ask(whisper, decoded(short), "audio_file", **query).text == SPOKEN + "\n"


def test_encode_false_with_a_header_all_the_same_is_transcribed(whisper: httpx.Client, short: bytes) -> None:
    assert ask(whisper, short, encode="false").text == SPOKEN + "\n"


def test_it_translates_and_takes_a_prompt(whisper: httpx.Client, short: bytes) -> None:
    answer = ask(whisper, short, task="translate", language="ru", initial_prompt="Restaurant")
    assert answer.text.isascii()


def test_parameters_may_stand_in_the_form(whisper: httpx.Client, short: bytes) -> None:
    fields, samples = {"output": "srt", "encode": "false"}, decoded(short)
    answer = whisper.post("/asr", data=fields, files={"audio_file": ("a", samples)})
    assert answer.text.startswith("1\n")


def test_ignored_fields_are_named(whisper: httpx.Client, short: bytes) -> None:
    answer = ask(whisper, short, min_speakers="2", vad_filter="false", video_file="/films/a.mkv")
    assert answer.headers["x-govor-ignored"] == "min_speakers"


def test_ignored_fields_of_the_form_are_named_too(whisper: httpx.Client, short: bytes) -> None:
    fields = {"min_speakers": "2", "max_speakers": "", "vad_filter": "false"}
    answer = whisper.post("/asr", data=fields, files={"audio_file": ("a", short)})
    assert answer.headers["x-govor-ignored"] == "min_speakers"


def test_the_language_has_its_name_and_confidence(whisper: httpx.Client, short: bytes) -> None:
    answer = whisper.post(
        "/detect-language", params={"encode": "false"}, files={"audio_file": ("audio_file", decoded(short))}
    )
    body = answer.json()
    assert list(body) == ["detected_language", "language_code", "confidence"]
    assert (body["detected_language"], body["language_code"]) == ("russian", "ru")
    assert 0.5 < body["confidence"] <= 1


def test_silence_is_in_no_language(whisper: httpx.Client) -> None:
    answer = whisper.post("/detect-language", files={"audio_file": ("a.wav", media.silence(2))})
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("path", ["/asr", "/detect-language"])
def test_a_wrong_parameter_and_a_missing_recording_are_named(
    whisper: httpx.Client, short: bytes, path: str
) -> None:
    wrong = whisper.post(path, params={"encode": "perhaps"}, files={"audio_file": ("a", short)})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "encode")
    missing = whisper.post(path, files={"other": ("a", short)})
    assert (missing.status_code, missing.json()["error"]["code"]) == (400, "missing_file")


@pytest.mark.parametrize("path", ["/asr", "/detect-language"])
def test_the_size_of_a_body_has_a_bound_of_its_own(serve: Any, short: bytes, path: str) -> None:
    small = serve(compat={"asr_max_upload_mb": 0.001}, preload=())
    with small.client() as client:
        answer = client.post(path, files={"audio_file": ("a", short)})
    assert answer.status_code == 413
