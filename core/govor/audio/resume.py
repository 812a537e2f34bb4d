"""Going on where an earlier attempt ended: what was heard then is left out, to the sample. Pure.

The recording is read and cut from its start all the same: voice detection has a memory, and what it heard
decides where speech is cut. So the stretches are those of an attempt that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import numpy as np

from govor.audio.chunking import Stretch
from govor.contract.recognition import SAMPLE_RATE


def unheard(
    stretches: Iterable[Stretch], begin_at: float, padding: float, *, whole: bool = False
) -> Iterator[Stretch]:
    """Yield what lies after `begin_at`, in seconds of the recording.

    Of a stretch that was heard in part, the rest is dropped where it is no longer than the `padding` around
    speech: there is nothing in it but what the padding holds. Two that overlap around `begin_at` are both
    whole: what was told of the first one is needed to tell where the second one goes on. With `whole` every
    stretch is that ends later: of several channels, `begin_at` is the end of one's stretch and may lie
    anywhere in another's.
    """
    sample, at_seam = round(begin_at * SAMPLE_RATE), False
    for stretch in stretches:
        behind_seam, at_seam = (
            at_seam,
            stretch.seam is not None and round(stretch.seam * SAMPLE_RATE) == sample,
        )
        if stretch.start >= begin_at or at_seam or behind_seam:
            yield stretch
        elif stretch.end > begin_at:
            rest = stretch if whole else _after(stretch, sample)
            if rest.seconds > padding:
                yield rest


def _after(stretch: Stretch, sample: int) -> Stretch:
    """Return the rest of a stretch from a sample of the recording on."""
    ends = [*stretch.offsets[1:], stretch.until]
    parts = [
        (max(start, sample), stretch.audio[offset + max(sample - start, 0) : end])
        for start, offset, end in zip(stretch.starts, stretch.offsets, ends, strict=True)
        if start + end - offset > sample
    ]
    audio = np.concatenate([*(part for _, part in parts), stretch.audio[stretch.until :]])
    audio.flags.writeable = False
    offsets = accumulate((len(part) for _, part in parts[:-1]), initial=0)
    return Stretch(audio, tuple(offsets), tuple(start for start, _ in parts), stretch.seam, stretch.tail)
