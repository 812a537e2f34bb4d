"""A conversation with one party per channel: each channel transcribed apart, side by side, told as one.

What overlaps in the mix is whole in its channel. Segments are merged by their start: one is told when no
other channel can say anything before it any more.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from govor.contract.recognition import Notice, Segment, Transcript
from govor.engine.transcription.pipeline import Transcription
from govor.engine.transcription.work import Work
from govor.events import Report
from govor.formats.transcript import assemble

LOOK_SECONDS = 0.05
"""How often it is looked whether a channel has got further without saying anything."""


@dataclass(slots=True)
class _Told:
    """A segment of one channel that waits for the others."""

    key: float
    """Where it stands among all; never before the one before it."""
    segment: Segment
    position: float
    """Of its channel, once this is told."""


@dataclass(slots=True, eq=False)
class _Channel:
    """One channel on its way."""

    name: str
    own: Transcription
    waiting: deque[_Told] = field(default_factory=deque)
    last: float = 0.0
    """Key of its last segment."""
    position: float = 0.0
    """Of the last one that was told to whoever iterates."""
    ended: bool = False

    @property
    def floor(self) -> float:
        """Before this, nothing comes any more."""
        if self.waiting:
            return self.waiting[0].key
        return math.inf if self.ended else max(self.last, self.own.seconds_settled)

    @property
    def reached(self) -> float:
        """Seconds of the recording whose segments of this channel have all been told."""
        if self.waiting:
            return self.position
        return math.inf if self.ended else max(self.position, self.own.seconds_through)


class MultichannelTranscription:
    """See `TranscriptStream`: all channels of a recording. Iterate it once."""

    def __init__(self, work: Work, names: Sequence[str], channels: Sequence[Transcription], report: Report):
        self._work = work
        self._parties = [
            _Channel(name, own, position=work.begin_at) for name, own in zip(names, channels, strict=True)
        ]
        self._report = report
        self._moved = asyncio.Event()
        self._segments: list[Segment] = []
        self._open: list[Segment] = []  # told, and reaching beyond the position
        self.position = work.begin_at
        self.complete = False

    @property
    def seconds_read(self) -> float:
        return max(party.own.seconds_read for party in self._parties)

    @property
    def seconds_done(self) -> float:
        return self.seconds_read if self.complete else min(party.own.seconds_done for party in self._parties)

    @property
    def seconds_diarized(self) -> float | None:
        return None

    @property
    def seconds_stated(self) -> float | None:
        stated = self._parties[0].own.seconds_stated
        return None if stated is None else max(stated, self.seconds_read)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """See `TranscriptStream`: all channels are of one file."""
        return self._parties[0].own.notices

    async def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order of their start, with the name of their channel as speaker."""
        tasks = [asyncio.create_task(self._hear(party), name="channel") for party in self._parties]
        try:
            while True:
                self._moved.clear()
                for task in tasks:
                    if task.done():
                        task.result()
                while (segment := self._next()) is not None:
                    yield segment
                if all(party.ended and not party.waiting for party in self._parties):
                    break
                await self._wait()
            self.complete = True
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._report.audio_seconds = self.seconds_read
            if not self.complete and self._report.outcome == "completed":  # of one channel
                self._report.outcome = "cancelled"

    async def _hear(self, party: _Channel) -> None:
        """Take in one channel."""
        try:
            async with aclosing(aiter(party.own)) as segments:
                async for segment in segments:
                    if not self._is_known(segment):
                        start = party.own.seconds_settled if segment.start is None else segment.start
                        party.last = max(party.last, start)
                        named = replace(segment, speaker=party.name)
                        party.waiting.append(_Told(party.last, named, party.own.seconds_through))
                        self._moved.set()
            party.ended = True
        finally:
            self._moved.set()

    def _is_known(self, segment: Segment) -> bool:
        """It was told by an earlier attempt: chunks around the position are heard again as a whole."""
        if not self._work.begin_at or segment.start is None or segment.end is None:
            return False
        return (segment.start + segment.end) / 2 <= self._work.begin_at

    def _next(self) -> Segment | None:
        """Take the segment that stands before all that can still come; None: there is none yet."""
        waiting = [party for party in self._parties if party.waiting]
        if not waiting:
            return None
        first = min(waiting, key=lambda party: party.waiting[0].key)
        if any(party.floor < first.waiting[0].key for party in self._parties):
            return None
        told = first.waiting.popleft()
        first.position = told.position
        self._segments.append(told.segment)
        self._open.append(told.segment)
        self._move()
        return told.segment

    def _move(self) -> None:
        """Move the position on, to where every channel is through and no segment that was told is cut."""
        reached = min(min(party.reached for party in self._parties), self.seconds_read)
        for segment in reversed(self._open):
            if (segment.start or 0.0) < reached < (segment.end or 0.0):
                reached = segment.start or 0.0
        self.position = max(self.position, reached)
        self._open = [segment for segment in self._open if (segment.end or 0.0) > self.position]

    async def _wait(self) -> None:
        """Wait until a segment has come, or a channel may have got further that others wait for."""
        waits = any(party.waiting for party in self._parties)
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
