"""Soften clicks and knocks far above the voice: models that scale audio by its peak lose the voice otherwise.

Examples are a push-to-talk key or a bumped microphone. A click is reduced to the voice's peak. If nothing
exceeds the voice by so much for so short a time, the audio stays the same to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio

FRAME = SAMPLE_RATE // 100
VOICE_SHARE = 90
"""Percentile of the frames' peaks that stands for the voice: pauses in speech take less than that."""
FAR_ABOVE = 20.0
"""Least ratio of a click's peak to the voice's: 26 dB. Words stay below half of it."""
SHORT = 8
"""Most frames of a click. If anything as loud lasts longer, it may be a voice, and nothing is changed."""
LOUDEST = 2.0
"""Ratio to that percentile that the voice itself reaches, and to which a click is reduced."""


def soften(audio: Audio) -> None:
    """Reduce clicks to the level of the voice, in place."""
    whole = len(audio) // FRAME * FRAME
    if not whole:
        return
    frames = audio[:whole].reshape(-1, FRAME)
    peaks = np.maximum(frames.max(axis=1), -frames.min(axis=1))
    voice = float(np.percentile(peaks, VOICE_SHARE))
    loud = peaks > FAR_ABOVE * voice
    if voice == 0 or not loud.any() or _longest_run(loud) > SHORT:
        return
    near = loud.copy()  # with its attack and its decay
    near[1:] |= loud[:-1]
    near[:-1] |= loud[1:]
    gains = np.minimum(LOUDEST * voice / np.maximum(peaks, 1e-9), 1, dtype=np.float32)
    frames[near] *= gains[near, None]


def _longest_run(marks: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of marked neighbours."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
