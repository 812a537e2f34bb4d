"""Audio as every model gets it, and the sources that it comes from: a recording, arrays, a plugin's own.

Knows nothing of files, HTTP or any model family; imports numpy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Samples per second of every `Audio`."""

Audio: TypeAlias = NDArray[np.float32]
"""(samples,) mono at 16 kHz, -1..1. Receivers must not change it."""

BLOCK_SECONDS = 4.0
"""Seconds of a block of a recording, and of the longest block of other sources."""


def array_fault(array: NDArray[Any]) -> str:
    """Return the fault of an array that should be `Audio`; "": none."""
    if array.ndim == 1 and array.dtype == np.float32:
        return ""
    return f"Audio is float32 (samples,), not {array.dtype} {array.shape}."


class AudioSource(Protocol):
    """Audio that is read once, block by block."""

    @property
    def duration(self) -> float | None:
        """Seconds of audio, if they are known before it is read; None: unknown."""
        ...

    def blocks(self) -> Iterator[Audio]:
        """Yield (samples,) float32 arrays, mono at 16 kHz, of any length. Called once.

        Each block is read in some thread of the core's, one at a time. May raise InvalidAudio.
        """
        ...

    def close(self) -> None:
        """Free what it holds. Called by the core when the audio is no longer needed, perhaps more than once,
        and perhaps while another thread waits for a block, which must then end.
        """
        ...


class ArraySource:
    """Arrays in memory, one after the other."""

    def __init__(self, arrays: Iterable[Audio]):
        """`arrays`: (samples,) float32, mono at 16 kHz, of any length. Raises ValueError for others."""
        self._arrays = list(arrays)
        for array in self._arrays:
            if fault := array_fault(array):
                raise ValueError(fault)

    @property
    def duration(self) -> float:
        """Seconds of all arrays."""
        return sum(map(len, self._arrays)) / SAMPLE_RATE

    def blocks(self) -> Iterator[Audio]:
        """Yield the samples in blocks of at most `BLOCK_SECONDS`; they are not copied."""
        size = round(BLOCK_SECONDS * SAMPLE_RATE)
        for array in self._arrays:
            for start in range(0, len(array), size):
                yield array[start : start + size]

    def close(self) -> None:
        """Do nothing: the arrays belong to the caller."""
