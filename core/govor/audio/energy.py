"""Voice detection by loudness alone, if no plugin offers a detector.

Speech is sound above the background noise. Music and slamming doors are above it as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import RuntimeOptions
from govor.contract.recognizers import RecognizerInfo

FRAME = 512
WINDOW = np.hanning(FRAME)
BAND = slice(200 * FRAME // SAMPLE_RATE + 1, 4000 * FRAME // SAMPLE_RATE + 1)
"""Bins of 200 to 4000 Hz, where speech is louder than mains hum and hiss."""

QUIETEST = 1e-7
"""Power of -70 dB below full scale: below it, all is equally silent."""

RISE = 5.0 * FRAME / SAMPLE_RATE
"""Rise of the noise floor in dB per frame, at most: slower than words follow each other."""

EVEN_ODDS = 7.0
"""dB above the noise floor at which speech has a probability of 0.5. Frames of steady noise stay within 2."""

SLOPE = 2.0
"""dB that change the odds by a factor of e."""


class EnergyStream:
    """One recording: remembers the noise floor, nothing of the audio."""

    def __init__(self) -> None:
        self._frames = 0
        self._lowest = np.inf  # of all levels, each lowered by what the floor could have risen until then

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        """Return (samples / 512,) probabilities, independent of how the recording is split into calls."""
        levels = band_levels(audio.reshape(-1, FRAME))
        risen = RISE * np.arange(self._frames, self._frames + len(levels))
        # The floor is the lower of the level and the last floor with one rise. A running minimum computes the
        # same without a loop.
        lowest = np.minimum(np.minimum.accumulate(levels - risen), self._lowest)
        if len(levels):
            self._frames += len(levels)
            self._lowest = float(lowest[-1])
        above_floor = levels - (lowest + risen)
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp((EVEN_ODDS - above_floor) / SLOPE))
        return probabilities.astype(np.float32)


class EnergyDetector:
    """Needs no weights and no library but numpy."""

    frame = FRAME
    info = RecognizerInfo(RuntimeOptions("cpu"))

    def stream(self) -> EnergyStream:
        return EnergyStream()

    def close(self) -> None:
        """It holds nothing."""


def band_levels(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the level of the speech frequencies of each of (frames, 512), in dB; a full sine has -3."""
    spectra = np.fft.rfft(frames * WINDOW)[:, BAND]
    power = 2 * (spectra.real**2 + spectra.imag**2).sum(axis=1) / (FRAME * (WINDOW**2).sum())
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, QUIETEST))
    return levels
