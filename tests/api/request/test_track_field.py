"""The field `track`, in every route that takes a recording."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Capability
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, FakeRecognizer, hum, plugins_of, silence
from support.sound import media

SHORT, LONG = (np.concatenate([hum(seconds), silence(4 - seconds)]) for seconds in (1, 3))
TAGS = [{"language": "eng", "title": "Film"}, {"language": "rus", "title": "Second"}]
FILM = media.tracks_of([SHORT, LONG], tags=TAGS)

FORM_ROUTES = ["/v1/audio/transcriptions", "/api/v1/audio/transcriptions", "/inference"]


class Lengths(FakeRecognizer):
    """Tells the seconds of what it hears, and that it is Russian."""

    capabilities = frozenset({Capability.DETECT})

    def detect(self, audio: Any) -> list[tuple[str, float]]:
        return [("ru" if len(audio) > 2 * 16_000 else "en", 1.0)]


@pytest.fixture
def client(serve: Callable[..., Any], tmp_path: Any) -> Any:
    """A server of one model that tells how long what it heard is, and of a diarizer."""
    spec = ModelSpec("fake", features=frozenset({Feature.WORDS, Feature.TRANSLATE, Feature.DETECT}))
    backend = FakeBackend(spec, recognizer=Lengths)
    diarizer = FakeDiarizer(SpeakerTurn(0.0, 1.0, 0))
    plugins = plugins_of(Settings(), fake=backend, vad=FakeDetector(), diarizer=diarizer)
    with serve(plugins, preload=(), default_models=("fake",), data_dir=tmp_path / "data").client() as client:
        yield client


def heard(answer: httpx.Response) -> int:
    """The whole seconds that were heard."""
    assert answer.status_code == 200, answer.text
    return round(float(answer.json()["text"].split()[0]))


NAMED: list[tuple[dict[str, str], int]] = [
    ({}, 1),
    ({"track": "0"}, 1),
    ({"track": "1"}, 3),
    ({"track": " second "}, 3),
    ({"track": "Russian"}, 3),
    ({"language": "ru"}, 3),
    ({"language": "ru", "track": "film"}, 1),
]


@pytest.mark.parametrize("route", FORM_ROUTES)
def test_the_track_that_is_named_is_heard(route: str, client: httpx.Client) -> None:
    told = [heard(client.post(route, files={"file": ("a.mkv", FILM)}, data=fields)) for fields, _ in NAMED]
    assert told == [seconds for _, seconds in NAMED]


def test_a_translation_is_of_the_track_that_is_named(client: httpx.Client) -> None:
    form = {"files": {"file": ("a.mkv", FILM)}, "data": {"track": "1"}}
    assert heard(client.post("/v1/audio/translations", **form)) == 3


def test_the_query_of_the_dialects_names_a_track_too(client: httpx.Client) -> None:
    query = {"track": "1", "output": "json"}
    assert heard(client.post("/asr", params=query, files={"audio_file": ("a.mkv", FILM)})) == 3
    assert heard(client.post("/v1/transcribe", params={"track": "1"}, content=FILM)) == 3


def test_a_recording_in_json_has_the_field_too(client: httpx.Client) -> None:
    recording = {"data": base64.b64encode(FILM).decode(), "format": "mkv"}
    body = {"input_audio": recording, "track": "1"}
    assert heard(client.post("/v1/audio/transcriptions", json=body)) == 3


def test_regions_of_speech_are_those_of_the_track(client: httpx.Client) -> None:
    for track, seconds in (("0", 1), ("1", 3)):
        form = {
            "files": {"file": ("a.mkv", FILM)},
            "data": {"track": track, "min_silence_duration_ms": "300"},
        }
        (region,) = client.post("/v1/audio/speech/timestamps", **form).json()
        assert region["end"] / 1000 == pytest.approx(seconds, abs=0.3)


def test_a_job_hears_the_track_that_was_named(client: httpx.Client) -> None:
    data = {"track": "1", "background": "true"}
    job = client.post("/v1/audio/transcriptions", files={"file": ("a.mkv", FILM)}, data=data).json()
    for _ in range(200):
        if client.get(f"/v1/jobs/{job['id']}").json()["status"] == "completed":
            break
        time.sleep(0.05)
    assert heard(client.get(f"/v1/jobs/{job['id']}/result")) == 3


EVERY_FORM = [*FORM_ROUTES, *(f"/v1/audio/{name}" for name in ("translations", "diarization", "detect"))]
EVERY_FORM += ["/v1/audio/speech/timestamps", "/v1/audio/speech/embedding", "/v1/audio/diarize"]


def test_a_track_that_is_not_there_is_refused_with_those_that_are(client: httpx.Client) -> None:
    answers = [
        client.post(route, files={"file": ("a.mkv", FILM)}, data={"track": "7"}) for route in EVERY_FORM
    ]
    answers += [
        client.post(route, params={"track": "7"}, files={"audio_file": ("a.mkv", FILM)})
        for route in ("/asr", "/detect-language")
    ]
    for answer in answers:
        assert answer.status_code == 400, answer.request.url
        assert "No audio track is '7'; there are: 0 (pcm_s16le, eng, 'Film')" in answer.text


def test_the_error_names_the_field(client: httpx.Client) -> None:
    form = {"files": {"file": ("a.mkv", FILM)}, "data": {"track": "7"}}
    error = client.post("/v1/audio/transcriptions", **form).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_audio", "track")


def test_a_name_that_no_track_can_have_is_refused(client: httpx.Client) -> None:
    form = {"files": {"file": ("a.mkv", FILM)}, "data": {"track": "x" * 201}}
    answer = client.post("/v1/audio/transcriptions", **form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "track")
