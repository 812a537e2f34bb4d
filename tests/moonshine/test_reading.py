"""Moonshine over HTTP: real English from the weights and the recording in its package."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from miniature.scoring import edits
from support.sound import media

# Dickens, the first sentence of A Tale of Two Cities
READ = """
it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness
it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season of
darkness it was the spring of hope it was the winter of despair we had everything before us we had nothing
before us we were all going direct to heaven we were all going direct the other way in short the period was
so far like the present period that some of its noisiest authorities insisted on its being received for good
or for evil in the superlative degree of comparison only
"""
MOST_ERRORS = 0.08


@pytest.fixture
def reading() -> Path:
    try:
        home = distribution("moonshine-voice")
    except PackageNotFoundError:
        pytest.skip("moonshine-voice is not installed")
    return Path(str(home.locate_file("moonshine_voice/assets/two_cities.wav")))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def test_a_reading_of_44_seconds_is_transcribed(server: Any, reading: Path) -> None:
    answer = server.post(reading, model="moonshine-tiny-en")
    assert answer.status_code == 200, answer.text
    said, heard = words(READ), words(answer.json()["text"])
    assert edits(said, heard) <= MOST_ERRORS * len(said), heard


def test_it_answers_with_log_probabilities(server: Any, reading: Path, samples: Path) -> None:
    body = server.post(samples / "en.wav", model="moonshine", **{"include[]": "logprobs"}).json()
    told = b"".join(bytes(token["bytes"]) for token in body["logprobs"]).decode()
    assert told.replace(" ", "") == body["text"].replace(" ", "")


def test_silence_stays_silent(server: Any, reading: Path) -> None:
    assert server.post(media.silence(3), model="moonshine").json()["text"] == ""
