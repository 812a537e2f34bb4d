"""Audio as the core passes it to a model: (samples,) float32 at 16 kHz, read-only."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, Audio

PITCH_HZ = 120
SYLLABLES_HZ = 4


def silence(seconds: float) -> Audio:
    """Return zeros."""
    return read_only(np.zeros(round(seconds * SAMPLE_RATE)))


def hum(seconds: float) -> Audio:
    """Return a voice without words: twenty harmonics that swell four times a second. Never zero for long."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = np.arange(1, 21)
    voice = (np.sin(2 * np.pi * PITCH_HZ * np.outer(harmonics, times)) / harmonics[:, None]).sum(axis=0)
    return read_only(0.1 * voice * (1.1 - np.cos(2 * np.pi * SYLLABLES_HZ * times)))


def read_audio(path: Path) -> Audio:
    """Return a recording of any format, whole."""
    with Recording(path, _decoders()) as recording:
        return read_only(np.concatenate(list(recording.blocks())))


@cache
def _decoders() -> Decoders:
    """Return the decoder processes for all tests; they end with the interpreter."""
    decoders = Decoders()
    atexit.register(decoders.close)
    return decoders


def read_only(samples: ArrayLike) -> Audio:
    """Return a copy that cannot be written to."""
    audio = np.array(samples, np.float32)
    audio.flags.writeable = False
    return audio
