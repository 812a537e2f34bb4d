"""Log-mel features of long audio in little memory. Imports faster-whisper.

faster-whisper's extractor holds the spectrum of all the audio several times over: 500 MB for ten minutes.
Here only its power is held, 48 MB. The features are the same to the bit: each frame is a transform of its
own, and the mel filters are one product over all frames, as its last bits depend on the number of columns.
"""

from __future__ import annotations

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from numpy.typing import NDArray

import govor

PIECE_FRAMES = 3000
"""Frames of 10 ms transformed at a time: their spectrum takes 5 MB."""

PADDING = 160
"""Zeros that faster-whisper adds at the end, in samples."""

QUIETEST = 1e-10
RANGE = 8.0
"""Least power that counts, and how many powers of ten below the loudest (OpenAI's whisper/audio.py)."""

Features = NDArray[np.float32]
"""(mels, frames)"""


class PiecewiseExtractor(FeatureExtractor):  # type: ignore[misc]
    """faster-whisper's extractor, with less memory."""

    def __call__(
        self, waveform: govor.Audio, padding: int = PADDING, chunk_length: int | None = None
    ) -> Features:
        """Return the features of (samples,) float32 at 16 kHz, a frame for each 10 ms."""
        frames = (len(waveform) + padding) // self.hop_length
        if frames <= PIECE_FRAMES or padding != PADDING or chunk_length is not None:
            whole: Features = super().__call__(waveform, padding, chunk_length)
            return whole
        power = np.empty((frames, self.n_fft // 2 + 1), np.float32)
        window = np.hanning(self.n_fft + 1)[:-1].astype(np.float32)
        for first in range(0, frames, PIECE_FRAMES):
            last = min(first + PIECE_FRAMES, frames)
            samples = self._around(waveform, first, last)
            spectrum = self.stft(
                samples, self.n_fft, self.hop_length, window=window, center=False, return_complex=True
            )
            power[first:last] = np.abs(spectrum.astype(np.complex64)).T ** 2
        features: Features = self.mel_filters @ power.T
        del power
        np.maximum(features, QUIETEST, out=features)
        np.log10(features, out=features)
        np.maximum(features, features.max() - RANGE, out=features)
        features += 4.0
        features /= 4.0
        return features

    def _around(self, waveform: govor.Audio, first: int, last: int) -> govor.Audio:
        """Return the samples of these frames: each is centred, and both ends of the audio are mirrored."""
        half, padded = self.n_fft // 2, len(waveform) + PADDING
        start, end = first * self.hop_length - half, (last - 1) * self.hop_length + half
        inside = waveform[max(start, 0) : end]
        if end > len(waveform):
            inside = np.pad(inside, (0, min(end, padded) - len(waveform)))
        mirrored = max(-start, 0), max(end - padded, 0)
        return np.pad(inside, mirrored, mode="reflect") if any(mirrored) else inside
