"""Resume after an interrupted attempt: audio transcribed then is left out, to the sample. Pure.

The recording is still read and cut from its start: voice detection has a state, which decides where speech is
cut. So the chunks are those of an attempt that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import numpy as np

from govor.audio.chunking import Chunk
from govor.contract.recognition import SAMPLE_RATE, Audio


def unheard(
    chunks: Iterable[Chunk], begin_at: float, padding: float, *, whole: bool = False
) -> Iterator[Chunk]:
    """Yield the chunks after `begin_at`, in seconds of the recording.

    A chunk that was transcribed in part loses that part. If the rest is no longer than the `padding` around
    speech, it is dropped: it holds only padding. Two chunks that overlap around `begin_at` are both yielded
    whole: the text of the first is needed to find where the second goes on. With `whole`, every chunk that
    ends after `begin_at` is yielded whole: if there are several channels, `begin_at` is the end of one
    channel's chunk and may lie anywhere in another's.
    """
    sample, at_seam = round(begin_at * SAMPLE_RATE), False
    for chunk in chunks:
        behind_seam, at_seam = (
            at_seam,
            chunk.seam is not None and round(chunk.seam * SAMPLE_RATE) == sample,
        )
        if chunk.start >= begin_at or at_seam or behind_seam:
            yield chunk
        elif chunk.end > begin_at:
            rest = chunk if whole else _after(chunk, sample)
            if rest.seconds > padding:
                yield rest


def audio_of(chunk: Chunk, blocks: Iterable[Audio]) -> Audio:
    """Return the audio of a chunk, taken anew from the blocks of its whole recording.

    The quiet that was added around it is silence now. Raises ValueError if the recording has become shorter.
    """
    audio = np.zeros(len(chunk.audio), np.float32)
    ends = [*chunk.offsets[1:], chunk.until]
    parts = list(zip(chunk.starts, chunk.offsets, ends, strict=True))
    missing, position = sum(end - offset for _, offset, end in parts), 0
    for block in blocks:
        for start, offset, end in parts:
            first, last = max(start, position), min(start + end - offset, position + len(block))
            if first < last:
                into = offset + first - start
                audio[into : into + last - first] = block[first - position : last - position]
                missing -= last - first
        position += len(block)
        if not missing:
            break
    if missing:
        raise ValueError("the recording is shorter than it was")
    audio.flags.writeable = False
    return audio


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
