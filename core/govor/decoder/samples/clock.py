"""The time of what is decoded: a recording's own clock, kept by silence where sound is missing.

Samples are counted from the recording's zero. So a track that begins late, packets that are missing and
packets that cannot be decoded leave silence behind; jumps of hours, and jumps back, are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer

LEAST_LATE = 0.1
"""Seconds by which a track begins late, at least: less is the delay of an encoder, or of pictures that are
reordered, and nobody notices it."""

JITTER = 0.002
"""Seconds: times in whole milliseconds are so much off between two frames."""

LEAST_HOLE = 0.008
"""Seconds: of frames that are shorter than this many may be missing unseen."""

MOST_HOLE = 3600.0
"""Seconds; a longer one is a clock that was set, not sound that is missing."""

MOST_BACK = 1.0
"""Seconds; what goes further back is a clock that begins anew."""

FREE_SILENCE, SILENCE_PER_BYTE, MOST_SILENCE = 600.0, 0.1, 12 * 3600.0
"""Seconds of silence that any file may get, more for each byte of it, and in all. Opus that sends nothing in
pauses takes a byte for 0.13 s of them: so a file gets hardly more than its size could hold anyway."""

SILENT_SAMPLES = 4096

UNSTEADY = frozenset({"avi"})
"""Formats that count packets and have no times: only packets that are there and damaged are missed."""

OWN_ZERO = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""Formats whose times begin at 0, whatever is there first. In others they begin with the first packet."""

LATEST_ZERO = 60.0
"""Seconds in which something begins even there, unless the file is a piece of a stream and has its times: it
begins with its first packet."""


class Clock:
    """Follows the times of one track's frames, in seconds."""

    def __init__(self, file_bytes: int):
        self._allowed = min(FREE_SILENCE + SILENCE_PER_BYTE * file_bytes, MOST_SILENCE)
        self.position = 0.0
        """Length of what has been counted, silence with it."""
        self.filled = 0.0
        """Length of the silence in it."""

    def begin(self, container: InputContainer) -> None:
        """Follow a container from its beginning, behind what has been counted of others."""
        self._zero = _zero(container) - self.position
        self._steady = container.format.name not in UNSTEADY
        self._next: float | None = None
        """When the next frame is due by the clock of the container."""
        self._origin: float | None = None
        """The container's time of the first sample."""
        self._rate: int | None = None
        self._early = self.position + LEAST_LATE

    def hole(self, frame: AudioFrame, lost: float, following: AudioFrame | None) -> float:
        """Return how much silence belongs before a frame, and count both.

        `lost` is the length of the packets before it that could not be decoded; 0: there were none.
        """
        length = frame.samples / frame.sample_rate
        time = self._time(frame)
        if time is None:
            silence = self._allow(lost)
            time = None if self._next is None else self._next + silence
        elif self._origin is None or self._next is None:
            silence = self._late(time)
            self._origin = time - silence - self.position
        else:
            due = time + length
            after = None if following is None else self._time(following)
            after = due if after is None else after
            silence = self._missing(time, self._least(length, lost), due, after)
        self._next = None if time is None else time + length
        self.position += silence + length
        self.filled += silence
        return silence

    def _time(self, frame: AudioFrame) -> float | None:
        """Return a frame's time; None: it has none, or counts it in samples of a rate that is over."""
        self._rate = self._rate or frame.sample_rate
        if frame.sample_rate == self._rate:
            return frame.time
        base = frame.time_base  # a fraction that is made anew each time: it costs more than all else here
        return None if base is not None and base.denominator == self._rate else frame.time

    def _least(self, length: float, lost: float) -> float:
        if lost:
            return JITTER
        if not self._steady:
            return math.inf
        if self.position < self._early:  # the first packet may stand apart where a track is late
            return LEAST_LATE
        return max(LEAST_HOLE, length - JITTER)

    def _late(self, time: float) -> float:
        late = time - self._zero - self.position
        return self._allow(late) if late >= LEAST_LATE else 0.0

    def _missing(self, time: float, least: float, due: float, after: float) -> float:
        """Return how much is missing before a frame; the next one, due then, must not take its time back."""
        assert self._next is not None
        assert self._origin is not None
        step = time - self._next
        behind = time - self._origin - self.position
        missing = min(step, behind)  # a packet that came late, and not more, leaves no second hole
        is_hole = missing >= least and after > due - step / 2
        silence = self._allow(missing) if is_hole else 0.0
        if step <= -MOST_BACK or step >= MOST_HOLE or (is_hole and not silence):
            self._origin = time - self.position  # it goes on from here
        return silence

    def _allow(self, silence: float) -> float:
        return silence if 0 < silence < MOST_HOLE and self.filled + silence <= self._allowed else 0.0


def _zero(container: InputContainer) -> float:
    """Return the time at which a recording begins, in seconds of its own clock."""
    start = 0.0 if container.start_time is None else float(container.start_time / av.time_base)
    return 0.0 if container.format.name in OWN_ZERO and start < LATEST_ZERO else start


def silent(like: AudioFrame, seconds: float) -> Iterator[AudioFrame]:
    """Yield frames of silence in the rate, layout and sample format of another one.

    Layouts without a name of their own are left out: PyAV frees those twice that list their channels.
    """
    left, channels = round(seconds * like.sample_rate), like.layout.nb_channels
    layout = f"{channels} channels" if "(" in like.layout.name.removesuffix("(side)") else like.layout
    frame = None
    while left > 0:
        samples = min(left, SILENT_SAMPLES)
        if frame is None or frame.samples != samples:
            frame = AudioFrame(like.format, layout, samples)
            frame.sample_rate = like.sample_rate
            count = channels if like.format.is_planar else 1  # PyAV counts some more, beyond the eighth
            for plane in frame.planes[:count]:
                plane.update((b"\x80" if like.format.name in ("u8", "u8p") else b"\0") * plane.buffer_size)
        yield frame
        left -= samples
