"""POST /v1/audio/detect: the language of the first speech, told by a real model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from support.sound import media


def ask(server: Any, content: bytes, **fields: Any) -> httpx.Response:
    with server.client() as client:
        return client.post("/v1/audio/detect", files={"file": ("a", content)}, data=fields)


@pytest.mark.parametrize(
    ("name", "code", "english"), [("ru.wav", "ru", "russian"), ("en.wav", "en", "english")]
)
def test_the_language_that_is_spoken_is_told(
    server: Any, samples: Path, name: str, code: str, english: str
) -> None:
    body = ask(server, (samples / name).read_bytes()).json()
    assert (body["language"], body["name"], body["model"]) == (code, english, "whisper-base")
    chances = [one["probability"] for one in body["languages"]]
    assert body["languages"][0]["code"] == code
    assert len(chances) == 5
    assert chances == sorted(chances, reverse=True)
    assert 0.5 < chances[0] <= 1


def test_only_candidates_are_told(server: Any, samples: Path) -> None:
    body = ask(server, (samples / "ru.wav").read_bytes(), **{"languages[]": ["en", "ru"]}).json()
    assert {one["code"] for one in body["languages"]} == {"en", "ru"}
    assert sum(one["probability"] for one in body["languages"]) == pytest.approx(1, abs=1e-3)


def test_silence_has_no_language(server: Any) -> None:
    body = ask(server, media.silence(2)).json()
    assert (body["language"], body["name"], body["languages"]) == (None, None, [])


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [({"model": "echo"}, 400, "unsupported_operation"), ({"model": "absent"}, 404, "model_not_found")],
)
def test_a_model_that_cannot_or_is_not_there_is_named(
    server: Any, samples: Path, fields: Any, status: int, code: str
) -> None:
    answer = ask(server, (samples / "ru_short.wav").read_bytes(), **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert fields["model"] in answer.json()["error"]["message"]


def test_what_is_no_audio_is_refused(server: Any) -> None:
    assert ask(server, b"no audio").json()["error"]["code"] == "invalid_audio"
