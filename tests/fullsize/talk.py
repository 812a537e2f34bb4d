"""Talk for measurements, made of this project's own recordings: without sense, timed like speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from govor import SAMPLE_RATE
from govor.testing import read_audio

DATA = Path(__file__).parents[1] / "data"
QUIET = 0.02  # peak of 20 ms that count as a pause


def make_talk(seconds: float) -> NDArray[np.float32]:
    """Return utterances as long as those of recorded readings, with pauses of 0.25 to 1.2 s between them.

    A voice detector makes segments of it that last 2.2 s on average, the median 1.9, the longest 8.
    """
    recordings = [read_audio(DATA / name) for name in ("ru.wav", "en.wav", "ru_short.wav")]
    speech = np.concatenate([without_pauses(recording) for recording in recordings])
    random, parts, at = np.random.default_rng(1), [], 0
    while sum(map(len, parts)) < seconds * SAMPLE_RATE:
        length = round(np.clip(random.lognormal(np.log(1.8), 0.75), 0.5, 15) * SAMPLE_RATE)
        parts.append(speech.take(range(at, at + length), mode="wrap"))
        parts.append(np.zeros(round(random.uniform(0.25, 1.2) * SAMPLE_RATE), np.float32))
        at += length
    return np.concatenate(parts)[: round(seconds * SAMPLE_RATE)]


def without_pauses(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the audio without its quiet spans of 20 ms."""
    frames = audio[: len(audio) // 320 * 320].reshape(-1, 320)
    return frames[np.abs(frames).max(axis=1) > QUIET].ravel()
