"""Clicks and knocks far above the voice: models that scale sound by its loudest moment lose the voice.

A push-to-talk key, a bumped microphone. They are made as loud as the voice at its loudest. Where nothing
stands out so far for so short a time, all stays as it is, to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from govor.contract.recognition import SAMPLE_RATE, Audio

FRAME = SAMPLE_RATE // 100
VOICE_SHARE = 90
"""Percentile of the frames' peaks that stands for the voice: pauses of speech take less than that."""
FAR_ABOVE = 20.0
"""How many times the voice a click is at least: 26 dB. Words stay below half of it."""
SHORT = 8
"""Frames that a click lasts at most. Where anything as loud lasts longer, it may be a voice: all stays."""
LOUDEST = 2.0
"""How many times that percentile the voice itself reaches, and a click is left."""


def soften(audio: Audio) -> None:
    """Bring clicks down to the voice, in place."""
    whole = len(audio) // FRAME * FRAME
    if not whole:
        return
    frames = audio[:whole].reshape(-1, FRAME)
    peaks = np.maximum(frames.max(axis=1), -frames.min(axis=1))
    voice = float(np.percentile(peaks, VOICE_SHARE))
    loud = peaks > FAR_ABOVE * voice
    if voice == 0 or not loud.any() or _longest_run(loud) > SHORT:
        return
    near = loud.copy()  # with its rise and its decay
    near[1:] |= loud[:-1]
    near[:-1] |= loud[1:]
    gains = np.minimum(LOUDEST * voice / np.maximum(peaks, 1e-9), 1, dtype=np.float32)
    frames[near] *= gains[near, None]


def _longest_run(marks: NDArray[np.bool_]) -> int:
    """Return how many neighbours are marked at most."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
