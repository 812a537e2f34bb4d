"""A conversation with one side per channel: channels are transcribed side by side and merged into one.

Speech that overlaps in the mix is whole in its channel. Segments are merged by their start: one is yielded
when no other channel can have a segment before it.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from govor.contract.results import Notice, Segment, Transcript
from govor.engine.transcription.pipeline import Transcription
from govor.engine.transcription.work import Work
from govor.events import Report
from govor.formats.transcript import assemble

LOOK_SECONDS = 0.05
"""Seconds between two checks whether a channel without new segments has got further."""


@dataclass(slots=True)
class _Pending:
    """A segment of one channel that waits for the others."""

    key: float
    """Its order among the segments of all channels, in seconds; never below that of the segment before it."""
    segment: Segment
    position: float
    """Position of its channel once this segment is yielded."""


@dataclass(slots=True, eq=False)
class _Channel:
    """The progress of one channel."""

    name: str
    own: Transcription
    waiting: deque[_Pending] = field(default_factory=deque)
    last: float = 0.0
    """Key of its last segment."""
    position: float = 0.0
    """Position of the channel at its last segment that was yielded."""
    ended: bool = False

    @property
    def floor(self) -> float:
        """Seconds before which this channel yields no further segment."""
        if self.waiting:
            return self.waiting[0].key
        return math.inf if self.ended else max(self.last, self.own.seconds_settled)

    @property
    def reached(self) -> float:
        """Seconds of the recording up to which all segments of this channel were yielded."""
        if self.waiting:
            return self.position
        return math.inf if self.ended else max(self.position, self.own.seconds_through)


class MultichannelTranscription:
    """The `TranscriptStream` of all channels of a recording. Iterate it once."""

    def __init__(self, work: Work, names: Sequence[str], channels: Sequence[Transcription], report: Report):
        self._work = work
        self._channels = [
            _Channel(name, own, position=work.begin_at) for name, own in zip(names, channels, strict=True)
        ]
        self._report = report
        self._moved = asyncio.Event()
        self._segments: list[Segment] = []
        self._open: list[Segment] = []  # yielded, and ending after the position
        self.position = work.begin_at
        self.complete = False

    @property
    def seconds_read(self) -> float:
        return max(channel.own.seconds_read for channel in self._channels)

    @property
    def seconds_done(self) -> float:
        return (
            self.seconds_read
            if self.complete
            else min(channel.own.seconds_done for channel in self._channels)
        )

    @property
    def seconds_diarized(self) -> float | None:
        return None

    @property
    def seconds_stated(self) -> float | None:
        stated = self._channels[0].own.seconds_stated
        return None if stated is None else max(stated, self.seconds_read)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """See `TranscriptStream`: all channels are of one file."""
        return self._channels[0].own.notices

    async def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order of their start, with the name of their channel as speaker."""
        tasks = [
            asyncio.create_task(self._read_channel(channel), name="channel") for channel in self._channels
        ]
        try:
            while True:
                self._moved.clear()
                for task in tasks:
                    if task.done():
                        task.result()
                while (segment := self._next()) is not None:
                    yield segment
                if all(channel.ended and not channel.waiting for channel in self._channels):
                    break
                await self._wait()
            self.complete = True
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._report.audio_seconds = self.seconds_read
            if not self.complete and self._report.outcome == "completed":  # as one channel reported
                self._report.outcome = "cancelled"

    async def _read_channel(self, channel: _Channel) -> None:
        """Read the segments of one channel."""
        try:
            async with aclosing(aiter(channel.own)) as segments:
                async for segment in segments:
                    if not self._is_known(segment):
                        start = channel.own.seconds_settled if segment.start is None else segment.start
                        channel.last = max(channel.last, start)
                        named = replace(segment, speaker=channel.name)
                        channel.waiting.append(_Pending(channel.last, named, channel.own.seconds_through))
                        self._moved.set()
            channel.ended = True
        finally:
            self._moved.set()

    def _is_known(self, segment: Segment) -> bool:
        """Return whether an earlier attempt yielded it, for chunks at the position are transcribed again."""
        if not self._work.begin_at or segment.start is None or segment.end is None:
            return False
        return (segment.start + segment.end) / 2 <= self._work.begin_at

    def _next(self) -> Segment | None:
        """Return the segment that no later segment can precede; None: there is none yet."""
        waiting = [channel for channel in self._channels if channel.waiting]
        if not waiting:
            return None
        first = min(waiting, key=lambda channel: channel.waiting[0].key)
        if any(channel.floor < first.waiting[0].key for channel in self._channels):
            return None
        pending = first.waiting.popleft()
        first.position = pending.position
        self._segments.append(pending.segment)
        self._open.append(pending.segment)
        self._move()
        return pending.segment

    def _move(self) -> None:
        """Move the position to where every channel is done and no segment that was yielded is cut."""
        reached = min(min(channel.reached for channel in self._channels), self.seconds_read)
        for segment in reversed(self._open):
            if (segment.start or 0.0) < reached < (segment.end or 0.0):
                reached = segment.start or 0.0
        self.position = max(self.position, reached)
        self._open = [segment for segment in self._open if (segment.end or 0.0) > self.position]

    async def _wait(self) -> None:
        """Wait for a segment or, if channels wait for others, for `LOOK_SECONDS`."""
        waits = any(channel.waiting for channel in self._channels)
        try:
            async with asyncio.timeout(LOOK_SECONDS if waits else None):
                await self._moved.wait()
        except TimeoutError:
            pass

    def result(self) -> Transcript:
        return assemble(
            self._segments,
            self._work.options,
            duration=self.seconds_read,
            model=self._work.model.id,
            notices=self.notices,
        )
