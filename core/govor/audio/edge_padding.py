"""Quiet around recordings that begin or end amid a word: some models lose words at the edges of audio."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio

VOICE = 0.5
"""Least probability of speech at an edge that counts as speech."""

BEGINS_AMID, ENDS_AMID = 0.15, 0.06
"""Longest distance in seconds between the edge and the first or last frame of speech that is not a pause:
detectors begin late.
"""

QUIET = 1e-3
"""Root mean square of the added noise: -60 dB below full scale, or 40 dB below the audio beside it."""


class EdgePadding:
    """Finds out whether a recording begins and ends amid speech."""

    def __init__(self, frame: int):
        """`frame` is the number of samples that one probability stands for."""
        self._frame = frame
        self._seen = 0  # end of all probabilities so far, in samples
        self._first: int | None = None  # start of the first frame of speech
        self._last = 0  # end of the last one

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
        """Tell whether a recording of so many samples ends amid speech."""
        return self._first is not None and samples - self._last < ENDS_AMID * SAMPLE_RATE


def quiet(samples: int, beside: Sequence[Audio]) -> Audio:
    """Return quiet noise, always the same; zeros help a model no more than nothing does."""
    power = sum(float(np.square(piece).sum()) for piece in beside) / max(sum(map(len, beside)), 1)
    noise = np.random.default_rng(0).standard_normal(samples, np.float32)
    return np.float32(min(QUIET, math.sqrt(power) / 100)) * noise
