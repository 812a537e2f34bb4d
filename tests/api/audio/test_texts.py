"""Punctuation and numbers in digits over HTTP: on every route that takes them, in streams and jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from govor.contract.models import Feature
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, hum, plugins_of
from support.models.text_models import Capitals
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"


@pytest.fixture
def capitals() -> Capitals:
    return Capitals(features=frozenset({Feature.ITN}))


@pytest.fixture
def client(serve: Any, capitals: Capitals) -> Iterator[httpx.Client]:
    """A client of a server whose texts can get numbers in digits, and no punctuation."""
    plugins = plugins_of(Settings(), family=FakeBackend("fake"), vad=FakeDetector(), capitals=capitals)
    with serve(plugins, default_models=("fake",)).client() as client:
        yield client


@pytest.fixture
def voice() -> bytes:
    return media.wav(hum(1.5))


def post(client: httpx.Client, voice: bytes, path: str = URL, **fields: str) -> httpx.Response:
    return client.post(path, files={"file": ("a.wav", voice)}, data=fields)


def test_texts_are_as_the_model_writes_them_by_default(client: httpx.Client, voice: bytes) -> None:
    for fields in ({}, {"itn": "false"}, {"itn": ""}):
        assert post(client, voice, **fields).json()["text"] == "1.5 seconds"


def test_a_field_asks_for_better_texts(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, itn="true")
    assert answer.json()["text"] == "1.5 SECONDS"
    assert "x-govor-ignored" not in answer.headers


def test_what_no_plugin_can_do_is_named(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, itn="true", punctuation="true")
    assert (answer.json()["text"], answer.headers["x-govor-ignored"]) == ("1.5 SECONDS", "punctuation")


def test_a_stream_has_better_texts(client: httpx.Client, voice: bytes) -> None:
    events = post(client, voice, itn="true", stream="true").text
    deltas = [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: {")]
    assert "".join(event.get("delta", "") for event in deltas) == "1.5 SECONDS"
    assert deltas[-1]["text"] == "1.5 SECONDS"


def test_a_job_remembers_it(client: httpx.Client, voice: bytes) -> None:
    job = post(client, voice, itn="true", background="true").headers["location"]
    assert eventually(lambda: client.get(job).json()["status"] == "completed")
    assert client.get(job).json()["result"]["text"] == "1.5 SECONDS"


def test_gigastts_options_take_effect(client: httpx.Client, voice: bytes) -> None:
    for query in ("itn=true", "itn"):
        answer = client.post(f"/v1/transcribe?{query}&punctuation=true", content=voice)
        assert answer.json()["text"] == "1.5 SECONDS"
        assert answer.headers["x-govor-ignored"] == "punctuation"
    stream = client.post("/v1/transcribe/stream?itn=1", content=voice).text
    assert json.loads(stream.strip().splitlines()[-1][6:])["text"] == "1.5 SECONDS"


@pytest.mark.parametrize(("path", "name"), [("/inference", "file"), ("/asr", "audio_file")])
def test_other_dialects_take_the_fields_too(
    client: httpx.Client, voice: bytes, capitals: Capitals, path: str, name: str
) -> None:
    plain = client.post(path, files={name: ("a.wav", voice)})
    assert ("1.5 seconds" in plain.text, capitals.asked) == (True, [])
    answer = client.post(path, files={name: ("a.wav", voice)}, data={"itn": "true", "punctuation": "1"})
    assert "1.5 SECONDS" in answer.text
    assert answer.headers["x-govor-ignored"] == "punctuation"


def test_a_failure_is_a_warning_and_no_lost_text(
    client: httpx.Client, voice: bytes, capitals: Capitals
) -> None:
    capitals.failure = RuntimeError("no ink")
    answer = post(client, voice, itn="true", response_format="verbose_json")
    assert (answer.status_code, answer.json()["text"]) == (200, "1.5 seconds")
    (warning,) = answer.json()["warnings"]
    assert warning["code"] == answer.headers["x-govor-warnings"] == "text_unprocessed"
    assert warning["message"].startswith("Parts of the text lack numbers in digits: 'capitals' failed")


def test_models_for_texts_are_listed_by_task(client: httpx.Client) -> None:
    (text,), (other,) = (
        client.get("/v1/models", params={"task": task}).json()["data"] for task in ("text", "transcribe")
    )
    assert (text["id"], text["task"], other["id"]) == ("capitals", "text2text-generation", "fake")
    refused = client.post(URL, files={"file": ("a.wav", b"")}, data={"model": "capitals"})
    assert refused.json()["error"]["message"] == "'capitals' is a model for texts: it writes no text."
