"""Decoded frames of any rate and layout to 16-bit mono at 16 kHz."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.audio.frame import AudioFrame
from av.error import FFmpegError

from govor.decoder.refusals import Refused, check_memory

SAMPLE_RATE = 16_000
HIGHEST_RATE = 768_000
"""Hz. A resampler's filters grow with the rate that a file states: 250 MHz take 2 GB. DXD, the highest rate
that is recorded at, has 352,800."""

FREE_CHANGES = 100
"""Changes of rate, layout or sample format that any recording may have; more: one a second of sound. Each
needs a new resampler, and a file of 15 kB can have a thousand."""


def mono(frames: Iterator[AudioFrame]) -> Iterator[bytes]:
    """Yield samples; a change of rate or layout on the way is followed. Raises Refused."""
    shape, resampler, changes, samples = None, _resampler(), 0, 0
    for frame in frames:
        if shape is None:
            shape = _shape(frame)
        elif _shape(frame) != shape:
            yield from _resampled(resampler, None)
            shape, resampler, changes = _shape(frame), _resampler(), changes + 1
            if changes > FREE_CHANGES + samples / SAMPLE_RATE:
                raise Refused("The audio changes its format more than once a second.", "changes")
        for piece in _resampled(resampler, frame):
            samples += len(piece) // 2
            yield piece
    yield from _resampled(resampler, None)


def _shape(frame: AudioFrame) -> tuple[int, str, str]:
    if frame.sample_rate > HIGHEST_RATE:
        raise Refused(
            f"The audio states a sample rate of {frame.sample_rate} Hz; the most is {HIGHEST_RATE}."
        )
    return frame.sample_rate, frame.layout.name, frame.format.name


def _resampler() -> av.AudioResampler:
    return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)


def _resampled(resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[bytes]:
    """Yield samples of one frame; None flushes what the resampler still holds."""
    try:
        for out in resampler.resample(frame):
            yield bytes(memoryview(out.planes[0])[: 2 * out.samples])  # the plane is padded
    except (FFmpegError, ValueError) as error:
        check_memory(error)
        if frame is not None:
            raise Refused(f"The audio cannot be converted to 16 kHz mono: {error}") from error
