"""Resume after an interrupted attempt: audio transcribed then is left out, to the sample. Pure.

The recording is still read and cut from its start: voice detection has a state, which decides where speech is
cut. So the chunks are those of an attempt that was never interrupted.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from govor.audio.chunking import Chunk
from govor.contract.audio import SAMPLE_RATE, Audio


class Resumption:
    """Leaves out what lies before `begin_at`, in seconds of the recording.

    A chunk that was transcribed in part loses that part. If the rest is no longer than the `padding` around
    speech, it is dropped: it holds only padding. Two chunks that overlap around `begin_at` are both yielded
    whole: the text of the first is needed to find where the second goes on. With `whole`, every chunk that
    ends after `begin_at` is yielded whole: if there are several channels, `begin_at` is the end of one
    channel's chunk and may lie anywhere in another's.
    """

    def __init__(self, begin_at: float, padding: float, *, whole: bool = False):
        self._begin_at = begin_at
        self._sample = round(begin_at * SAMPLE_RATE)
        self._padding = padding
        self._whole = whole
        self._at_seam = False  # whether the last chunk ended at the seam in `begin_at`

    def rest(self, chunk: Chunk) -> Chunk | None:
        """Return what must be transcribed of the next chunk; None: nothing."""
        at_seam = chunk.seam is not None and round(chunk.seam * SAMPLE_RATE) == self._sample
        behind_seam, self._at_seam = self._at_seam, at_seam
        if chunk.start >= self._begin_at or at_seam or behind_seam:
            return chunk
        if chunk.end <= self._begin_at:
            return None
        rest = chunk if self._whole else _after(chunk, self._sample)
        return rest if rest.seconds > self._padding else None


class ChunkAudio:
    """The audio of a chunk, taken anew from the blocks of its whole recording.

    The quiet that was added around the chunk is silence now.
    """

    def __init__(self, chunk: Chunk):
        ends = [*chunk.offsets[1:], chunk.until]
        self._parts = list(zip(chunk.starts, chunk.offsets, ends, strict=True))
        self._position = 0
        self.missing = sum(end - offset for _, offset, end in self._parts)
        """Samples that have not come yet."""
        self.audio: Audio = np.zeros(len(chunk.audio), np.float32)
        """Complete once no sample is missing."""

    def add(self, block: Audio) -> None:
        """Take the next block of the recording."""
        begins, ends = self._position, self._position + len(block)
        for start, offset, end in self._parts:
            first, last = max(start, begins), min(start + end - offset, ends)
            if first < last:
                into = offset + first - start
                self.audio[into : into + last - first] = block[first - begins : last - begins]
                self.missing -= last - first
        self._position = ends


def _after(chunk: Chunk, sample: int) -> Chunk:
    """Return the rest of a chunk from a sample of the recording on."""
    ends = [*chunk.offsets[1:], chunk.until]
    parts = [
        (max(start, sample), chunk.audio[offset + max(sample - start, 0) : end])
        for start, offset, end in zip(chunk.starts, chunk.offsets, ends, strict=True)
        if start + end - offset > sample
    ]
    audio = np.concatenate([*(part for _, part in parts), chunk.audio[chunk.until :]])
    audio.flags.writeable = False
    offsets = accumulate((len(part) for _, part in parts[:-1]), initial=0)
    return Chunk(audio, tuple(offsets), tuple(start for start, _ in parts), chunk.seam, chunk.tail)
