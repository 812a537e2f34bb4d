"""Buffers for the part of a recording that may still be cut: its samples and its probabilities of speech."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from govor.audio.regions import Region
from govor.contract.audio import SAMPLE_RATE, Audio

CUT_WINDOW_SECONDS = 0.3  # probabilities are averaged over this: a pause, not a plosive
PAUSE = 0.35  # average probability below which no word is cut in half


class SampleBuffer:
    """Samples that a later chunk may contain, by sample number."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, Audio]] = deque()
        self.total = 0

    def append(self, block: Audio) -> None:
        self._blocks.append((self.total, block))
        self.total += len(block)

    def pieces(self, region: Region) -> list[Audio]:
        """Return the region's samples in pieces, in order; they are not copied."""
        return [
            block[max(region.start - at, 0) : region.end - at]
            for at, block in self._blocks
            if at < region.end and at + len(block) > region.start
        ]

    def forget(self, before: int) -> None:
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= before:
            self._blocks.popleft()


class Probabilities:
    """Probabilities of speech of the frames at which a cut is still possible."""

    def __init__(self, frame: int):
        self._frame = frame
        self._first = 0  # number of the first frame held
        self._held: NDArray[np.float32] = np.empty(0, np.float32)

    def append(self, probabilities: NDArray[np.float32]) -> None:
        self._held = np.concatenate([self._held, probabilities])

    def forget(self, before: int) -> None:
        drop = max(before // self._frame - self._first, 0)
        self._held = self._held[drop:]
        self._first += drop

    def best_cut(self, low: int, high: int) -> tuple[int, bool]:
        """Return the sample between the two around which speech is least probable, and if it is a pause."""
        first = max(low // self._frame, self._first)
        span = self._held[first - self._first : high // self._frame - self._first]
        width = round(CUT_WINDOW_SECONDS * SAMPLE_RATE / self._frame)
        if len(span) <= width:
            return high, False
        means = np.convolve(span, np.full(width, 1 / width), "valid")
        latest = len(means) - 1 - int(np.argmin(means[::-1]))
        cut = (first + latest) * self._frame + width * self._frame // 2
        return cut, bool(means[latest] < PAUSE)
