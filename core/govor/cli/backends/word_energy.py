"""Compares the times of words with the energy of the sound. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.results import Word

AROUND_SECONDS = 0.25
"""Seconds before and after a word that are compared with it."""
LEAST = 0.5
"""Least power within a word, as a share of the power in and around it."""


def share_on_sound(words: Iterable[Word], audio: Audio) -> float | None:
    """Return the share of words that last while there is sound; None: no word has times.

    A word counts if its mean power is at least `LEAST` of the mean power from 0.25 s before it to 0.25 s
    after it. So words beside the speech do not count, and in speech without pauses nearly all do: use a
    recording with pauses. Times are seconds from the start of `audio`.
    """
    spans = [(word.start, word.end) for word in words if word.start is not None and word.end is not None]
    if not spans:
        return None
    return sum(_is_on_sound(audio, *span) for span in spans) / len(spans)


def _is_on_sound(audio: Audio, start: float, end: float) -> bool:
    within = _power(audio, start, max(end, start + 1 / SAMPLE_RATE))
    around = _power(audio, start - AROUND_SECONDS, end + AROUND_SECONDS)
    return within > 0 and within >= LEAST * around


def _power(audio: Audio, start: float, end: float) -> float:
    """Return the mean of the squares from `start` to `end`; 0 outside the audio."""
    piece = audio[max(round(start * SAMPLE_RATE), 0) : max(round(end * SAMPLE_RATE), 0)]
    return float(np.mean(np.square(piece, dtype=np.float64))) if len(piece) else 0.0
