"""Samples of any format as float32 mono at 16 kHz, chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import govor

if TYPE_CHECKING:
    import av

FULL_SCALE = 32_768
"""Samples are rounded to 16 bits, as those that the core decodes are."""

NOTHING: govor.Audio = np.zeros(0, np.float32)


class Converter:
    """Converts one recording of a fixed format."""

    def __init__(self, rate: int, width: int, channels: int):
        """`width`: bytes of a sample, 1 to 4."""
        self._rate = rate
        self._width = width
        self._channels = channels
        self._resampler = None if rate == govor.SAMPLE_RATE else _resampler()

    def convert(self, data: bytes) -> govor.Audio:
        """Return (samples,) of `data`, which holds whole samples of all channels."""
        samples = _floats(data, self._width)
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
        if self._resampler is None:
            whole = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
            return whole.astype(np.float32) / np.float32(FULL_SCALE)
        if not len(samples):
            return NOTHING
        import av

        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = self._rate
        return _joined(self._resampler.resample(frame))

    def rest(self) -> govor.Audio:
        """Return the last samples, after all were converted."""
        return NOTHING if self._resampler is None else _joined(self._resampler.resample(None))


def _resampler() -> av.AudioResampler:
    import av  # 14 MB, which Home Assistant's 16 kHz never need

    return av.AudioResampler(format="s16", layout="mono", rate=govor.SAMPLE_RATE)


def _floats(data: bytes, width: int) -> NDArray[np.float32]:
    """Return little-endian samples as -1..1; those of one byte are unsigned."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if width == 3:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, width = padded.tobytes(), 4
    return np.frombuffer(data, f"<i{width}").astype(np.float32) / np.float32(2 ** (8 * width - 1))


def _joined(frames: list[av.AudioFrame]) -> govor.Audio:
    pieces = [frame.to_ndarray()[0] for frame in frames]
    return np.concatenate([NOTHING, *pieces]).astype(np.float32) / np.float32(FULL_SCALE)
