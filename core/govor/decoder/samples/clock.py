"""The times of decoded frames: missing sound is replaced by silence, so that the recording's own clock holds.

Samples are counted from the recording's zero. So silence stands for the time before a late track, for missing
packets and for packets that cannot be decoded; jumps of hours, and jumps back, are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer

LEAST_LATE = 0.1
"""Least seconds by which a track begins late: less is the delay of an encoder, or of reordered pictures, and
nobody notices it.
"""

JITTER = 0.002
"""Seconds by which times in whole milliseconds may be off between two frames."""

LEAST_HOLE = 0.008
"""Seconds; if frames are shorter, many may be missing undetected."""

MOST_HOLE = 3600.0
"""Seconds; a longer gap is a clock that was set, not missing sound."""

MOST_BACK = 1.0
"""Seconds; a longer step back is a clock that begins anew."""

FREE_SILENCE, SILENCE_PER_BYTE, MOST_SILENCE = 600.0, 0.1, 12 * 3600.0
"""Seconds of silence that any file may get, that each of its bytes adds, and that is the most. Opus without
packets in pauses takes a byte for 0.13 s of them, so a file gets hardly more than its size could hold
anyway.
"""

SILENT_SAMPLES = 4096

UNSTEADY = frozenset({"avi"})
"""Formats that count packets and have no times: only damaged packets are noticed, not missing ones."""

OWN_ZERO = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""Formats whose times begin at 0, wherever the first packet is; in others, with the first packet."""

LATEST_ZERO = 60.0
"""Seconds within which the first packet lies even in these. A later one means a piece of a stream that has
kept its times: it begins with its first packet.
"""


class Clock:
    """Follows the times of one track's frames, in seconds."""

    def __init__(self, file_bytes: int):
        self._allowed = min(FREE_SILENCE + SILENCE_PER_BYTE * file_bytes, MOST_SILENCE)
        self.position = 0.0
        """Seconds counted so far, including silence."""
        self.filled = 0.0
        """Seconds of silence in it."""

    def begin(self, container: InputContainer) -> None:
        """Follow a container from its beginning, after the seconds counted for earlier ones."""
        self._zero = _zero(container) - self.position
        self._steady = container.format.name not in UNSTEADY
        self._next: float | None = None
        """When the next frame is due, by the container's clock."""
        self._origin: float | None = None
        """The container's time of the first sample."""
        self._rate: int | None = None
        self._early = self.position + LEAST_LATE

    def hole(self, frame: AudioFrame, lost: float, following: AudioFrame | None) -> float:
        """Return the seconds of silence that belong before a frame, and count both.

        `lost` are the seconds of packets before it that could not be decoded; 0: there were none.
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
        """Return a frame's time; None: it has none, or counts it in samples of an earlier rate."""
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
        if self.position < self._early:  # the first packet may stand apart if a track is late
            return LEAST_LATE
        return max(LEAST_HOLE, length - JITTER)

    def _late(self, time: float) -> float:
        late = time - self._zero - self.position
        return self._allow(late) if late >= LEAST_LATE else 0.0

    def _missing(self, time: float, least: float, due: float, after: float) -> float:
        """Return the seconds missing before a frame, unless the next one, due at `due` but timed `after`,
        takes the step back.
        """
        assert self._next is not None
        assert self._origin is not None
        step = time - self._next
        behind = time - self._origin - self.position
        missing = min(step, behind)  # a packet that came late, and not more, leaves no second hole
        is_hole = missing >= least and after > due - step / 2
        silence = self._allow(missing) if is_hole else 0.0
        if step <= -MOST_BACK or step >= MOST_HOLE or (is_hole and not silence):
            self._origin = time - self.position  # the clock goes on from here
        return silence

    def _allow(self, silence: float) -> float:
        return silence if 0 < silence < MOST_HOLE and self.filled + silence <= self._allowed else 0.0


def _zero(container: InputContainer) -> float:
    """Return the time at which a recording begins, in seconds of its own clock."""
    start = 0.0 if container.start_time is None else float(container.start_time / av.time_base)
    return 0.0 if container.format.name in OWN_ZERO and start < LATEST_ZERO else start


def silent(like: AudioFrame, seconds: float) -> Iterator[AudioFrame]:
    """Yield frames of silence in the rate, layout and sample format of another one.

    Layouts without a name of their own get no silence: PyAV frees twice those that list their channels.
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
