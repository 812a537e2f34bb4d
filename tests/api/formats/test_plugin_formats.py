"""Formats of plugins over HTTP: on every route, in jobs, in the document; a broken one harms nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor import ResponseFormat, hookimpl
from govor.contract.models import Feature, ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, hum, plugins_of
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
BYTES = b"PK\x03\x04\xff"
ZIP = "application/vnd.test+zip"


def note(transcript: Any, shown: Any) -> str:
    words = sum(len(segment.words or ()) for segment in transcript.segments)
    return f"{shown.title}|{transcript.text}|{words} words"


def broken(transcript: Any, shown: Any) -> str:
    raise RuntimeError("no ink")


class Office:
    """Formats of every kind."""

    @hookimpl
    def formats(self, settings: Any) -> list[ResponseFormat]:
        return [
            ResponseFormat("note", "text/x-note", ".note", note),
            ResponseFormat("karaoke", "text/x-note", ".note", note, needs_words=True),
            ResponseFormat("zip", ZIP, ".zip", lambda transcript, shown: BYTES),
            ResponseFormat("broken", "text/x-note", ".note", broken),
            ResponseFormat("half", "application/json", ".json", lambda transcript, shown: "{"),
        ]


@pytest.fixture
def client(serve: Any) -> Iterator[httpx.Client]:
    spec = ModelSpec("fake", features=frozenset({Feature.WORDS}))
    plugins = plugins_of(Settings(), family=FakeBackend(spec), detector=FakeDetector(), office=Office())
    server = serve(plugins, default_models=("fake",))
    with server.client() as client:
        yield client


@pytest.fixture
def voice() -> bytes:
    return media.wav(hum(1.5))


def post(
    client: httpx.Client, voice: bytes, path: str = URL, name: str = "file", **fields: str
) -> httpx.Response:
    return client.post(path, files={name: ("my talk.wav", voice)}, data=fields)


def test_a_format_of_a_plugin_is_chosen_by_its_name(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, response_format="note")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/x-note; charset=utf-8")
    assert answer.text == "my talk|1.5 seconds|0 words"
    assert answer.headers["x-govor-model"] == "fake"


@pytest.mark.parametrize(
    "fields",
    [{"response_format": "karaoke"}, {"response_format": "note", "timestamp_granularities[]": "word"}],
)
def test_words_are_there_if_the_format_needs_them_or_the_client_asks(
    client: httpx.Client, voice: bytes, fields: dict[str, str]
) -> None:
    assert post(client, voice, **fields).text == "my talk|1.5 seconds|2 words"


def test_bytes_come_as_they_are(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, response_format="zip")
    assert (answer.headers["content-type"], answer.content) == (ZIP, BYTES)


def test_a_broken_format_is_a_clear_error_and_others_work(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, response_format="broken")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "format_failed"
    assert answer.json()["error"]["message"] == (
        "The plugin 'office' could not write the format 'broken': RuntimeError: no ink. "
        "The transcript is whole: ask for another format."
    )
    assert post(client, voice, response_format="text").text == "1.5 seconds\n"


def test_an_unknown_format_is_answered_with_all_names(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, response_format="pdf")
    assert answer.status_code == 400
    assert "tsv, note, karaoke, zip, broken, half." in answer.json()["error"]["message"]


def test_a_stream_is_not_made_of_it(client: httpx.Client, voice: bytes) -> None:
    answer = post(client, voice, response_format="note", stream="true")
    assert (answer.headers["x-govor-ignored"], answer.text) == ("stream", "my talk|1.5 seconds|0 words")


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [("note", "my talk|1.5 seconds|0 words"), ("zip", None), ("broken", None), ("half", "{")],
)
def test_a_job_has_its_result_whatever_the_format_does(
    client: httpx.Client, voice: bytes, wanted: str, shown: str | None
) -> None:
    job = post(client, voice, response_format=wanted, background="true").headers["location"]
    assert eventually(lambda: client.get(job).json()["status"] == "completed")
    assert client.get(job).json()["result"] == shown
    if wanted != "half":  # its answer says that it is JSON
        result = client.get(f"{job}/result")
        assert result.status_code == (500 if wanted == "broken" else 200)
        assert (result.content == BYTES) == (wanted == "zip")
    note = client.get(f"{job}/result", params={"response_format": "note"})
    assert note.text == "my talk|1.5 seconds|0 words"
    assert client.get(f"{job}/result", params={"response_format": "text"}).text == "1.5 seconds\n"


def test_a_job_survives_the_plugin_of_its_format(serve: Any, voice: bytes, tmp_path: Path) -> None:
    fakes = {"family": FakeBackend("fake"), "detector": FakeDetector()}
    settings = {"data_dir": tmp_path, "default_models": ("fake",)}
    server = serve(plugins_of(Settings(), office=Office(), **fakes), **settings)
    with server.client() as client:
        job = post(client, voice, response_format="note", background="true").headers["location"]
        assert eventually(lambda: client.get(job).json()["status"] == "completed")
    server.stop()
    with serve(plugins_of(Settings(), **fakes), **settings).client() as client:
        assert client.get(job).json()["result"] is None
        assert client.get(f"{job}/result").status_code == 400
        assert client.get(f"{job}/result", params={"response_format": "text"}).text == "1.5 seconds\n"


def test_the_dialects_take_it_where_they_choose_a_format(client: httpx.Client, voice: bytes) -> None:
    asr = post(client, voice, "/asr?output=note", "audio_file")
    assert asr.text == "my talk|1.5 seconds|0 words"
    assert asr.headers["content-disposition"] == 'attachment; filename="my talk.wav.note"'
    assert post(client, voice, "/asr?output=pdf", "audio_file").json()["error"]["param"] == "output"
    inference = post(client, voice, "/inference", response_format="karaoke")
    assert inference.text == "my talk|1.5 seconds|2 words"
    own = client.post("/v1/transcribe?format=note&download", content=voice)
    assert own.text == "|1.5 seconds|2 words"
    assert own.headers["content-disposition"] == "attachment; filename=transcript.note"
    assert client.post("/v1/transcribe?format=pdf", content=voice).json() == {
        "error": "format 'pdf' is unknown; there are json, txt, srt, vtt, md, "
        "note, karaoke, zip, broken, half.",
        "code": "invalid_param",
    }
    assert client.post("/v1/transcribe?format=broken", content=voice).json()["code"] == "format_failed"


def test_the_document_names_formats_and_types(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    operation = paths[URL]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert form["response_format"]["enum"][-2:] == ["broken", "half"]
    assert not [key for key in form["response_format"] if key.startswith("x-")]
    content = operation["responses"]["200"]["content"]
    assert content["text/x-note"]["schema"] == {"type": "string"}
    assert content[ZIP]["schema"] == {"type": "string", "format": "binary"}
    assert "" not in content
    assert "format_failed" in str(operation["responses"]["500"])
    (output,) = [each for each in paths["/asr"]["post"]["parameters"] if each["name"] == "output"]
    own = ["txt", "vtt", "srt", "tsv", "json"]
    assert output["schema"]["enum"] == [*own, "note", "karaoke", "zip", "broken", "half"]


def test_the_list_of_plugins_names_them(client: httpx.Client) -> None:
    listed = {plugin["name"]: plugin["formats"] for plugin in client.get("/v1/plugins").json()["data"]}
    assert listed["office"] == ["note", "karaoke", "zip", "broken", "half"]
    assert listed["family"] == []
