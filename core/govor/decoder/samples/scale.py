"""Scale floating-point samples that were written in the range of integers to their own: -1 to 1.

Programs that read 16 bits and write floats may forget to divide. A recording that is only too loud, with
peaks of some units, stays as it is: values above 1 are clipped as usual.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

from av.audio.frame import AudioFrame

from govor.decoder.samples.frames import graph, numbers, pulled, shape, windows

LOUDEST = 64.0
"""Highest peak, 36 dB above full scale, of a recording in its own scale."""

USUAL = 0.99
"""The quantile of the samples that determines the scale: single samples may be damaged."""

SCALES = (2.0**15, 2.0**23, 2.0**31)
"""Of 16, 24 and 32 bits."""

POINTS = 2000
"""Least number of samples of a window that are examined: one of each frame and channel."""


def to_scale(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield the frames, those of floating-point PCM up to a second later. Raises Refused."""
    for is_pcm, run in groupby(frames, key=_is_floating_pcm):
        yield from _scaled(run, is_pcm=is_pcm)


def _is_floating_pcm(frame: AudioFrame) -> bool:
    return frame.format.name in ("flt", "dbl")  # codecs have planes


def _scaled(frames: Iterator[AudioFrame], *, is_pcm: bool) -> Iterator[AudioFrame]:
    if not is_pcm:
        yield from frames
        return
    scale, known, volume = 1.0, None, None
    for window in windows(frames):
        found = max(scale, _scale(window))
        if found == 1.0:
            yield from window
            continue
        if volume is None or found != scale or shape(window[0]) != known:
            scale, known = found, shape(window[0])
            volume = graph(window[0], ("volume", f"volume={1 / scale!r}:precision=double"))
        for frame in window:
            volume.push(frame)
            yield from pulled(volume)


def _scale(window: list[AudioFrame]) -> float:
    """Return the scale of a second of samples; 1: their own."""
    step = max(sum(frame.samples for frame in window) * window[0].layout.nb_channels // POINTS, 1)
    points = [abs(sample) for frame in window for view in numbers(frame) for sample in view[::step]]
    finite = sorted(point for point in points if point < math.inf)
    usual = finite[int(len(finite) * USUAL)] if finite else 0.0
    if usual > LOUDEST or (usual > 1 and all(point.is_integer() for point in finite)):
        return next((scale for scale in SCALES if usual < 2 * scale), SCALES[-1])
    return 1.0
