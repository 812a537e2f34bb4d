"""Recordings without a header on every route, where a type or a field says how they are written."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.sound import media

URL = "/v1/audio/transcriptions"


@pytest.fixture(scope="module")
def samples_of(samples: Path) -> bytes:
    """16-bit samples of a recording, 16 kHz."""
    with wave.open(str(samples / "ru_short.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return file.readframes(file.getnframes())


@pytest.fixture
def spoken(transcripts: dict[str, dict[str, str]]) -> str:
    """The text of the recording."""
    return transcripts["ru_short.wav"]["whisper_base"]


def send(server: Any, part: Any, query: str = "", path: str = URL, **fields: str) -> httpx.Response:
    with server.client() as client:
        return client.post(f"{path}{query}", files={"file": part}, data=fields)


@pytest.mark.parametrize("kind", ["audio/pcm", "audio/L16;rate=16000;channels=1"])
def test_the_type_of_a_part_declares_it(server: Any, samples_of: bytes, spoken: str, kind: str) -> None:
    assert send(server, ("a.pcm", samples_of, kind)).json()["text"] == spoken


def test_so_do_fields_and_the_query(server: Any, samples_of: bytes) -> None:
    in_form = send(server, ("a", samples_of), encoding="linear16", sample_rate="16000", model="echo")
    in_query = send(server, ("a", samples_of), "?encoding=linear16&sample_rate=8000", model="echo")
    assert (in_form.status_code, in_query.status_code) == (200, 200)
    assert float(in_query.json()["usage"]["seconds"]) >= 2 * float(in_form.json()["usage"]["seconds"]) - 1


def test_so_does_the_type_of_a_body(server: Any, samples_of: bytes) -> None:
    with server.client() as client:
        answer = client.post(
            "/v1/transcribe?model=echo", content=samples_of, headers={"content-type": "audio/pcm"}
        )
    assert answer.json()["duration"] == pytest.approx(len(samples_of) / 32_000, abs=0.01)


def test_a_type_that_lies_is_not_believed(server: Any) -> None:
    answer = send(
        server, ("a.pcm", media.silence(1), "audio/pcm"), response_format="verbose_json", model="echo"
    )
    assert answer.json()["duration"] == 1


def test_fields_that_declare_it_are_no_unknown_ones(serve: Any, samples_of: bytes) -> None:
    strict = serve(strict=True, preload=())
    answer = send(strict, ("a", samples_of), encoding="pcm_s16le", sample_rate="16000", model="echo")
    assert answer.status_code == 200, answer.text


def test_a_rate_that_is_none_is_named(server: Any, samples_of: bytes) -> None:
    error = send(server, ("a", samples_of, "audio/pcm;rate=x"), model="echo").json()["error"]
    assert error["param"] == "sample_rate"


def test_nothing_of_it_stays_on_the_disk(serve: Any, samples_of: bytes, tmp_path: Path) -> None:
    tidy = serve(spool_dir=tmp_path, preload=())
    assert send(tidy, ("a", samples_of, "audio/pcm"), model="echo").status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_no_sound_has_matter_only_without_a_header(server: Any, samples_of: bytes) -> None:
    numbers = {"encoding": "pcm", "sample_rate": "16000.0", "model": "echo"}
    answer = send(server, ("a.wav", media.silence(1)), response_format="verbose_json", **numbers)
    assert (answer.status_code, answer.json()["duration"]) == (200, 1)
    refused = send(server, ("a", samples_of), **numbers)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "sample_rate")
