"""Subtitle Edit's call, byte by byte as .NET writes it, and the program's reading of the answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from govor.api.body.part_headers import read_headers

BOUNDARY = "7c0d1a52-6f0e-4b63-9a57-2f1d0f5b8a11"
TOKEN = frozenset("!#$%&'*+-.^_`|~")
SAID = "Я хочу заказать столик на двоих."
WHOLE = [
    ("model", "whisper-1"),
    ("language", "ru"),
    ("response_format", "verbose_json"),
    ("timestamp_granularities[]", "segment"),
    ("timestamp_granularities[]", "word"),
    ("temperature", "0.20"),
    ("prompt", "Ресторан"),
]
STREAMED = [("model", "whisper-1"), ("language", "ru"), ("response_format", "json"), ("stream", "true")]


def named(name: str) -> str:
    """Quote a parameter as .NET does: only if it is no token, and as an encoded word if it is not ASCII."""
    if not name.isascii():
        return f'"=?utf-8?B?{base64.b64encode(name.encode()).decode()}?="'
    return name if all(letter.isalnum() or letter in TOKEN for letter in name) else f'"{name}"'


def part(kind: str, disposition: str, content: bytes) -> bytes:
    head = f"Content-Type: {kind}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return f"--{BOUNDARY}\r\n{head}".encode() + content + b"\r\n"


def file_disposition(name: str) -> str:
    return f"name=file; filename={named(name)}; filename*=utf-8''{quote(name)}"


def form(fields: Iterable[tuple[str, str]], name: str, content: bytes) -> bytes:
    """Write the types before the dispositions, the recording last."""
    texts = [part("text/plain; charset=utf-8", f"name={named(key)}", text.encode()) for key, text in fields]
    return b"".join(
        [*texts, part("audio/wav", file_disposition(name), content), f"--{BOUNDARY}--\r\n".encode()]
    )


@pytest.fixture
def client(server: Any) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def send(
    client: httpx.Client, fields: Iterable[tuple[str, str]], name: str, content: bytes
) -> httpx.Response:
    kind = f'multipart/form-data; boundary="{BOUNDARY}"'
    headers = {"Content-Type": kind, "Authorization": "Bearer any"}
    return client.post("/v1/audio/transcriptions", content=form(fields, name, content), headers=headers)


def are_numbers(body: dict[str, Any], *keys: str) -> bool:
    return all(isinstance(body[key], int | float) for key in keys)


def streamed_text(answer: str) -> str:
    """Return the program's text of a stream: from events with a line `event:`, without `segment_id`."""
    shown = ""
    for block in answer.split("\n\n"):
        lines = [line.partition(":")[::2] for line in block.splitlines()]
        named_event = "".join(value.strip() for key, value in lines if key == "event")
        data = "\n".join(value.strip() for key, value in lines if key == "data")
        if named_event == "transcript.text.delta":
            event = json.loads(data)
            if isinstance(event.get("segment_id", 0), int):
                shown += event["delta"]
    return shown.strip()


@pytest.mark.parametrize("name", ["ru.wav", "two words.wav", "ресторан.wav"])
def test_its_request_is_answered_in_types_it_can_read(client: httpx.Client, samples: Path, name: str) -> None:
    answer = send(client, WHOLE, name, (samples / "ru_short.wav").read_bytes())
    assert answer.status_code == 200, answer.text
    assert "x-govor-ignored" not in answer.headers
    body = answer.json()
    assert body["text"] == SAID
    assert isinstance(body["language"], str)
    assert isinstance(body["duration"], float)
    for segment in body["segments"]:
        assert all(isinstance(whole, int) for whole in (segment["id"], segment["seek"], *segment["tokens"]))
        assert are_numbers(segment, "start", "end", "avg_logprob", "no_speech_prob")
    words = body["words"]
    assert " ".join(word["word"].strip() for word in words) == SAID
    assert all(are_numbers(word, "start", "end", "probability") for word in words)


def test_its_stream_shows_the_whole_text(client: httpx.Client, samples: Path) -> None:
    answer = send(client, STREAMED, "ru.wav", (samples / "ru_short.wav").read_bytes())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert streamed_text(answer.text) == SAID


@pytest.mark.parametrize("name", ["ru.wav", "two words.wav", "ресторан.wav"])
def test_the_name_of_its_file_is_read(name: str) -> None:
    head = f"Content-Type: audio/wav\r\nContent-Disposition: form-data; {file_disposition(name)}".encode()
    assert (read_headers(head).name, read_headers(head).file_name) == ("file", name)
