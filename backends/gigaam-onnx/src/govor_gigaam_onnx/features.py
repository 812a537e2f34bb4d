"""Log-mel features of both GigaAM generations, in numpy. Knows nothing of models.

Constants are those of upstream's preprocessor (salute-developers/GigaAM, gigaam/preprocess.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import govor

Floats = NDArray[np.float32]

HOP = 160  # samples between frames
MELS = 64
FLOOR, CEILING = 1e-9, 1e9  # of the energy in a band


@dataclass(frozen=True, slots=True)
class Framing:
    """The differences between the generations."""

    size: int
    """Samples in a frame, and points of its spectrum."""
    centred: bool
    """Whether frame t has its middle, not its beginning, at sample 160 t; the ends are mirrored."""
    coarse: bool
    """Whether window and filters are rounded to bfloat16, as in the v3 checkpoints."""


V2 = Framing(size=400, centred=True, coarse=False)
"""v1 and v2."""
V3 = Framing(size=320, centred=False, coarse=True)
"""v3 and multilingual."""


class LogMel:
    """Computes an encoder's features from audio. Holds tables only; safe for threads."""

    def __init__(self, framing: Framing):
        window = hann(framing.size)
        filters = mel_filters(framing.size)
        if framing.coarse:
            window, filters = round_to_bfloat16(window), round_to_bfloat16(filters)
        self._framing = framing
        self._window = window
        self._filters = np.repeat(filters, 2, axis=0)  # one row for the real part, one for the imaginary
        self._shortest = framing.size // 2 + 1 if framing.centred else framing.size

    def __call__(self, audio: govor.Audio) -> Floats:
        """Return (64, frames) natural logarithms of mel energies.

        Audio too short for a single frame is padded with silence.
        """
        size = self._framing.size
        audio = np.pad(audio, (0, max(0, self._shortest - len(audio))))
        if self._framing.centred:
            audio = np.pad(audio, size // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(audio, size)[::HOP]
        # In float32 the quiet bands beside a loud one would be off by up to 2e-4; float64 costs no more.
        spectrum = np.fft.rfft(np.multiply(frames, self._window, dtype=np.float64))
        parts = spectrum.view(np.float64)
        np.square(parts, out=parts)
        energies = parts.astype(np.float32) @ self._filters
        np.clip(energies, FLOOR, CEILING, out=energies)
        features: Floats = np.log(energies, out=energies).T
        return features


def hann(size: int) -> Floats:
    """Return the periodic Hann window."""
    window: Floats = np.hanning(size + 1)[:-1].astype(np.float32)
    return window


def mel_filters(size: int) -> Floats:
    """Return (size // 2 + 1, 64) triangular filters on the HTK mel scale from 0 to 8 kHz, peaks at 1."""
    half = govor.SAMPLE_RATE / 2
    bins = np.linspace(0, half, size // 2 + 1)
    edges = np.linspace(0, 2595 * np.log10(1 + half / 700), MELS + 2)
    corners = 700 * (10 ** (edges / 2595) - 1)
    widths = np.diff(corners)
    distances = corners - bins[:, None]
    rising, falling = -distances[:, :-2] / widths[:-1], distances[:, 2:] / widths[1:]
    filters: Floats = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return filters


def round_to_bfloat16(values: Floats) -> Floats:
    """Return the nearest numbers that bfloat16 can hold, ties to even, as float32."""
    bits = values.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32)
