"""Audio as every model gets it, and the detection of voices in it."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Samples per second of every `Audio`."""

Audio: TypeAlias = NDArray[np.float32]
"""(samples,) mono at 16 kHz, -1..1. Receivers must not change it."""


class VoiceStream(Protocol):
    """Voice detection through one recording; holds that recording's state."""

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        """Return the probability of speech of each frame of `audio`, a whole number of frames."""
        ...


class VoiceDetector(Protocol):
    """Distinguishes speech from silence. Loaded once, used by all threads."""

    frame: int
    """Samples per probability."""

    def stream(self) -> VoiceStream:
        """Begin a recording."""
        ...
