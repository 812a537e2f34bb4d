"""Log mel energies as Kaldi computes them, which the speaker model was trained on. Knows nothing of models.

Constants are those of Kaldi's compute-fbank-feats with WeSpeaker's choices: 80 bands from 20 Hz to 8 kHz,
Hamming window, samples as 16-bit integers, no dither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import govor

Floats = NDArray[np.float32]

SIZE = 400  # samples in a frame: 25 ms
HOP = 160  # samples from frame to frame: 10 ms
BANDS = 80
POINTS = 512  # of the spectrum: the power of two above SIZE
LOWEST_HZ = 20.0
PREEMPHASIS = 0.97
SCALE = 32768.0  # full scale of 16-bit samples
FLOOR = float(np.finfo(np.float32).eps)


def mel_bands() -> Floats:
    """Return (POINTS // 2 + 1, BANDS) triangular filters, even on Kaldi's mel scale."""

    def mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)
        return scaled

    edges = np.linspace(mel(LOWEST_HZ), mel(govor.SAMPLE_RATE / 2), BANDS + 2)
    bins = mel(np.arange(POINTS // 2 + 1) * govor.SAMPLE_RATE / POINTS)[:, None]
    width = edges[1] - edges[0]
    triangles = np.minimum((bins - edges[:-2]) / width, (edges[2:] - bins) / width)
    triangles[-1] = 0.0  # Kaldi leaves out the highest point
    filters: Floats = np.maximum(triangles, 0.0).astype(np.float32)
    return filters


WINDOW = np.hamming(SIZE)
FILTERS = mel_bands()


def fbank(audio: govor.Audio) -> Floats:
    """Return (frames, BANDS) natural logarithms; frame t begins at sample 160 t. Empty under 25 ms."""
    if len(audio) < SIZE:
        return np.zeros((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(audio, SIZE)[::HOP] * np.float64(SCALE)
    frames -= frames.mean(axis=1, keepdims=True)
    emphasised = frames.copy()
    emphasised[:, 1:] -= PREEMPHASIS * frames[:, :-1]
    emphasised[:, 0] -= PREEMPHASIS * frames[:, 0]
    emphasised *= WINDOW
    spectrum = np.fft.rfft(emphasised, POINTS)
    energies = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ FILTERS
    logs: Floats = np.log(np.maximum(energies, FLOOR))
    return logs
