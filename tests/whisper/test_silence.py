"""No text is made up without speech: silence, noise and music give the empty text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support import subtitle_files
from support.sound import media
from support.sound.noises import at_peak

SECONDS = 40
RATE = 16_000
CHORDS = ((262, 330, 392), (294, 370, 440), (247, 311, 370), (262, 330, 392))


def white_noise() -> media.Samples:
    return np.random.default_rng(0).standard_normal(SECONDS * RATE).astype(np.float32) * 0.05


def brown_noise() -> media.Samples:
    """Return noise like wind, or a fan."""
    steps = np.cumsum(np.random.default_rng(1).standard_normal(SECONDS * RATE))
    steps -= np.convolve(steps, np.ones(800) / 800, "same")
    return (steps / np.abs(steps).max() * 0.3).astype(np.float32)


def music() -> media.Samples:
    """Return chords struck twice a second, with overtones that fade."""
    at = np.arange(RATE // 2) / RATE
    strike = np.exp(-4 * at)
    beats = [
        sum(np.sin(2 * np.pi * tone * overtone * at) / overtone for tone in chord for overtone in (1, 2, 3))
        * strike
        for chord in CHORDS
    ]
    return (np.tile(np.concatenate(beats), SECONDS // 2) * 0.1).astype(np.float32)


SOUNDS = {
    "digital silence": lambda: np.zeros(SECONDS * RATE, np.float32),
    "a hiss hardly heard": lambda: white_noise() * 0.01,
    "white noise": white_noise,
    "brown noise": brown_noise,
    "mains hum": lambda: 0.1 * np.sin(2 * np.pi * 50 * np.arange(SECONDS * RATE) / RATE).astype(np.float32),
    "music": music,
}


@pytest.mark.parametrize("sound", SOUNDS)
def test_without_speech_the_text_is_empty(sound: str, server: Any) -> None:
    answer = server.post(media.wav(SOUNDS[sound]()), model="whisper-base")
    assert (answer.status_code, answer.json()["text"]) == (200, "")


def test_no_cue_segment_or_word_spans_a_long_silence(server: Any, samples: Path) -> None:
    speech, rate = media.read_wav(samples / "en.wav")
    first, second = np.split(speech, [round(6.3 * rate)])  # in a pause
    silent = np.zeros(20 * rate, np.float32)
    recording = media.wav(np.concatenate([first, silent, second]))
    fields = {"model": "whisper-base", "language": "en"}
    edges = (6.8, 25.8)
    for granularity in ("segment", "word"):
        found = server.post(
            recording,
            response_format="verbose_json",
            **{"timestamp_granularities[]": granularity},
            **fields,
        ).json()
        for one in found[f"{granularity}s"]:
            assert one["end"] <= edges[0] or one["start"] >= edges[1], one
    cues = subtitle_files.times(server.post(recording, response_format="srt", **fields).text)
    assert len(cues) >= 2
    assert not any(start < edges[0] and end > edges[1] for start, end in cues)


def test_a_recording_with_peaks_of_60_db_below_full_scale_is_written(server: Any, samples: Path) -> None:
    quiet = at_peak(media.read_wav(samples / "en.wav")[0], -60)
    answer = server.post(media.wav(quiet), model="whisper-base", language="en").json()["text"]
    assert "Thursday afternoon" in answer
    assert "next week" in answer
