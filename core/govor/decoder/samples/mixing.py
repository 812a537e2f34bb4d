"""Turn frames of any rate and layout into 16-bit mono at 16 kHz: all channels mixed, one of them, or each."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence

from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.filter import Graph

from govor.decoder.refusals import Refused, check_memory
from govor.decoder.samples.frames import UNNAMED, USUAL, graph, is_named, pulled, shape
from govor.decoder.samples.inversion import upright
from govor.decoder.samples.scale import to_scale

SAMPLE_RATE = 16_000

SAMPLES = ("aformat", f"sample_fmts=s16:sample_rates={SAMPLE_RATE}:channel_layouts=mono")

FREE_CHANGES = 100
"""Changes of rate, layout or sample format that any recording may have; beyond that, one per second of sound.
Each needs a new resampler, and a file of 15 kB can have a thousand.
"""

USUAL_RATE = 48_000
"""Hz. The filters of a resampler grow with the rate, so a change to a higher rate counts as several."""

PLAIN_NAMES = {"FL": "left", "FR": "right", "FC": "centre"}
"""Plain words for FFmpeg's front left, front right, front center."""


def channel_names(frame: AudioFrame) -> tuple[str, ...]:
    """Return a name for each channel, in plain words; numbers from 1 if one has no name."""
    channels = frame.layout.channels
    if len(channels) == 1:
        return ("mono",)
    if frame.layout.name in USUAL:
        return USUAL[frame.layout.name]
    names = tuple(PLAIN_NAMES.get(channel.name, channel.description) for channel in channels)
    if len(set(names)) < len(names) or UNNAMED in {channel.name for channel in channels}:
        return tuple(str(number) for number in range(1, len(channels) + 1))
    return names


def mono(frames: Iterator[AudioFrame], channel: int | None = None) -> Iterator[bytes]:
    """Yield samples of all channels mixed, or of one channel, counted from 0. The rate or layout may change
    in between; a part that lacks the channel is silent. Raises Refused, also if the first frame lacks the
    channel.
    """
    scaled = to_scale(frames)
    upright_frames = upright(scaled) if channel is None else scaled
    for (piece,) in _converted(upright_frames, [channel]):
        yield piece


def apart(frames: Iterator[AudioFrame], count: int) -> Iterator[list[bytes]]:
    """Yield samples of each of the first `count` channels, as many of each; otherwise as `mono`."""
    yield from _converted(to_scale(frames), range(count))


def _converted(frames: Iterator[AudioFrame], channels: Sequence[int | None]) -> Iterator[list[bytes]]:
    now, changes, samples = None, 0.0, 0
    conversions = [_Conversion(channel) for channel in channels]

    def feed(frame: AudioFrame | None) -> Iterator[list[bytes]]:
        pieces = [each.feed(frame) for each in conversions]
        if any(pieces):
            yield pieces

    for frame in frames:
        if now is None:
            _check_channels(frame, channels)
            now = shape(frame)
        elif shape(frame) != now:
            yield from feed(None)
            now, conversions = shape(frame), [_Conversion(channel) for channel in channels]
            changes += max(1.0, frame.sample_rate / USUAL_RATE)
            if changes > FREE_CHANGES + samples / SAMPLE_RATE:
                raise Refused("The audio changes its format more than once a second.", "changes")
        for pieces in feed(frame):
            samples += len(pieces[0]) // 2
            yield pieces
    yield from feed(None)


def _check_channels(frame: AudioFrame, channels: Sequence[int | None]) -> None:
    have = frame.layout.nb_channels
    channel = channels[-1]
    if channel is not None and channel >= have:
        there = "one channel, number 0" if have == 1 else f"{have} channels, numbers 0 to {have - 1}"
        raise Refused(f"The audio has {there}; channel {channel} is not among them.", "channel")


class _Conversion:
    """Converts frames of one shape to samples."""

    def __init__(self, channel: int | None):
        self._channel = channel
        self._filters: Graph | None = None

    def feed(self, frame: AudioFrame | None) -> bytes:
        """Return samples of one frame; None flushes the rest. Raises Refused."""
        found: list[bytes] = []
        try:
            if self._filters is None:
                if frame is None:
                    return b""
                self._filters = _filters(frame, self._channel)
            self._filters.push(frame)
            for out in pulled(self._filters):
                samples = bytes(memoryview(out.planes[0])[: 2 * out.samples])  # the plane is padded
                found.append(samples)
        except (FFmpegError, ValueError) as error:
            check_memory(error)
            if frame is not None:
                raise Refused(f"The audio cannot be converted to 16 kHz mono: {error}") from error
        return b"".join(found)


def _filters(frame: AudioFrame, channel: int | None) -> Graph:
    """Return the filters that convert frames like this one. Raises FFmpegError."""
    count = frame.layout.nb_channels
    if channel is not None:
        return graph(frame, ("pan", f"mono|c0=c{channel}" if channel < count else "mono|c0=0*c0"), SAMPLES)
    if is_named(frame.layout):
        try:
            return graph(frame, SAMPLES)
        except FFmpegError as error:
            if error.errno != errno.EINVAL:  # FFmpeg cannot mix such channels
                raise
    alike = "+".join(f"{1 / count:.9f}*c{number}" for number in range(count))
    return graph(frame, ("aformat", "sample_fmts=flt"), ("pan", f"mono|c0={alike}"), SAMPLES)
