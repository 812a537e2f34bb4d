"""Clicks far above the voice are reduced to its level; all else stays as it is."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.audio.clicks import soften
from govor.contract.audio import Audio
from support.sound import media

RATE = 16_000
SAMPLES = Path(__file__).parents[1] / "data"
KNOCK = 0.98 * np.sin(2 * np.pi * 180 * np.arange(160) / RATE).astype(np.float32)


def spoken(name: str = "en.wav") -> Audio:
    with wave.open(str(SAMPLES / name)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def with_knocks(audio: Audio, *seconds: float) -> Audio:
    audio = audio.copy()
    for second in seconds:
        begin = round(second * RATE)
        audio[begin : begin + len(KNOCK)] += KNOCK
    return audio


def test_a_knock_becomes_as_loud_as_the_voice_and_all_else_stays() -> None:
    voice = spoken() * np.float32(0.01)
    heard = with_knocks(voice, 0.05, 3.0)
    soften(heard)
    changed = np.flatnonzero(heard != voice)
    assert np.abs(heard).max() <= np.abs(voice).max()
    assert {round(sample / RATE, 1) for sample in changed.tolist()} <= {0.0, 0.1, 3.0}


@pytest.mark.parametrize("name", ["en.wav", "ru.wav", "ru_short.wav"])
@pytest.mark.parametrize("seconds", [1, 4, 30])
def test_speech_stays_to_the_last_bit(name: str, seconds: int) -> None:
    whole = spoken(name)
    for begin in range(0, len(whole), seconds * RATE):
        part = whole[begin : begin + seconds * RATE].copy()
        soften(part)
        np.testing.assert_array_equal(part, whole[begin : begin + seconds * RATE])


@pytest.mark.parametrize("length", [0.1, 0.3, 2.0])
def test_a_sound_as_long_as_a_word_may_be_one(length: float) -> None:
    rustle = np.random.default_rng(0).normal(0, 0.001, 20 * RATE).astype(np.float32)
    rustle[5 * RATE : 5 * RATE + round(length * RATE)] += np.float32(0.9)
    heard = rustle.copy()
    soften(heard)
    np.testing.assert_array_equal(heard, rustle)


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 16_000])
def test_nothing_is_found_in_silence(samples: int) -> None:
    silence = np.zeros(samples, np.float32)
    soften(silence)
    assert not silence.any()


def test_quiet_speech_beside_a_knock_is_written_as_without_it(server: Any) -> None:
    quiet = spoken() * np.float32(0.01)
    form = {"language": "en", "model": "whisper-base"}
    texts = [
        server.post(media.wav(audio), **form).json()["text"] for audio in (quiet, with_knocks(quiet, 0.05))
    ]
    assert texts[0] == texts[1]
    assert texts[0].startswith("Good morning. The meeting has been moved")
