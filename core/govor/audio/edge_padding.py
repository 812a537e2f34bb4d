"""Quiet around recordings that begin or end amid a word: some models lose the words at the rims of audio."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from govor.contract.recognition import SAMPLE_RATE, Audio

VOICE = 0.5
"""Least probability of the speech that a recording may begin or end amid."""

BEGINS_AMID, ENDS_AMID = 0.15, 0.06
"""Seconds between the rim and the first or last frame of speech that are no pause: detectors begin late."""

QUIET = 1e-3
"""Root mean square of what is added: -60 dB below full scale, or 40 dB softer than what it is beside."""


class EdgePadding:
    """Finds out whether one recording begins and ends amid speech."""

    def __init__(self, frame: int):
        """`frame` is the number of samples that one probability stands for."""
        self._frame = frame
        self._seen = 0  # samples behind all probabilities so far
        self._first: int | None = None  # where the first frame of speech begins
        self._last = 0  # where the last one ends

    def add(self, probabilities: NDArray[np.float32]) -> None:
        """Take the probabilities of further frames."""
        spoken = np.flatnonzero(probabilities >= VOICE)
        if len(spoken):
            if self._first is None:
                self._first = self._seen + int(spoken[0]) * self._frame
            self._last = self._seen + (int(spoken[-1]) + 1) * self._frame
        self._seen += len(probabilities) * self._frame

    @property
    def begins_amid_speech(self) -> bool:
        return self._first is not None and self._first < BEGINS_AMID * SAMPLE_RATE

    def ends_amid_speech(self, samples: int) -> bool:
        """Tell it of a recording of this length."""
        return self._first is not None and samples - self._last < ENDS_AMID * SAMPLE_RATE


def quiet(samples: int, beside: Sequence[Audio]) -> Audio:
    """Return quiet noise, always the same; of zeros models hear no more than of nothing."""
    power = sum(float(np.square(piece).sum()) for piece in beside) / max(sum(map(len, beside)), 1)
    noise = np.random.default_rng(0).standard_normal(samples, np.float32)
    return np.float32(min(QUIET, math.sqrt(power) / 100)) * noise
