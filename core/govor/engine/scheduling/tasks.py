"""One chunk of a recording on its way through a model. Knows nothing of queues or files."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from govor.audio.chunking import Chunk
from govor.audio.decoding.recording import Recording
from govor.contract.recognition import LongForm, Options, Recognizer, Segment
from govor.engine.alignment.segment_times import place
from govor.errors import GovorError
from govor.events import Timing

NOTHING = np.empty(0, np.float32)

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class FairShare:
    """Seconds of audio that a scheduler has done for one request: the request with the least goes first."""

    seconds: float = 0.0
    length: float = math.inf
    """Seconds of the whole recording, as far as known: of equals, the shortest goes first."""
    longest: float = math.inf
    """Seconds that it may have at most, where its length is not known."""
    heard: float = 0.0
    """Seconds that were done, or are being done, of this request."""
    passed_over_since: float = 0.0
    """What the scheduler had done of all requests when it last served this one, or when this one came."""
    side_by_side: bool = False
    """Its tasks are of several channels: the one that is furthest behind goes first, not the oldest."""

    @classmethod
    def of(cls, *recordings: Recording) -> FairShare:
        """Return the account of a recording, or of several channels that are heard side by side."""
        lengths = [each.duration for each in recordings if each.duration is not None]
        longest = [each.longest for each in recordings if each.longest is not None]
        return cls(
            length=sum(lengths) if lengths else math.inf,
            longest=sum(longest) if longest else math.inf,
            side_by_side=len(recordings) > 1,
        )

    @property
    def extent(self) -> float:
        """Seconds that this request takes at least."""
        return max(self.heard, self.length if self.length < math.inf else 0.0)


class InferenceTask:
    """One chunk waiting for, or on, a model. Iterate it for its segments, in order."""

    def __init__(
        self, chunk: Chunk, options: Options, share: FairShare, release: Callable[[], None] = lambda: None
    ):
        """`release` is called once, in the event loop, when the audio is needed no more."""
        self.chunk = chunk
        self.options = options
        self.share = share
        self.seconds = chunk.seconds
        self.end_time = chunk.end
        self.seam = chunk.seam
        self.number = 0
        """In which order the scheduler's tasks came."""
        self.begun = False
        """A worker has taken it at least once."""
        self.cancelled = False
        self.exhausted = False
        """The model has no more to say."""
        self.timing = Timing()
        self.heard = 0.0
        """Seconds of the chunk that the model is through with."""
        self._charged = 0.0
        self._last: Segment | None = None
        self._release = release
        self._windows: Iterator[Segment | None] | None = None  # a long-form model's generator, once begun
        self._ready: asyncio.Queue[Segment | GovorError | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Segment]:
        while (item := await self._ready.get()) is not None:
            if isinstance(item, GovorError):
                raise item
            yield item

    @property
    def rank(self) -> tuple[float, float, float, int]:
        """The lowest goes first."""
        length = min(self.share.length, self.share.longest)
        reached = self.chunk.recording_time(self.heard) if self.share.side_by_side else 0.0
        return self.share.seconds, length, reached, self.number

    def ends_with(self, segment: Segment) -> bool:
        """Tell whether it is the last, where the model hears the chunk in one go."""
        return segment is self._last

    @property
    def windows_begun(self) -> bool:
        """There is a generator to be closed."""
        return self._windows is not None

    def step(self, recognizer: Recognizer) -> list[Segment]:
        """Do the next piece of work; return its segments, placed. Runs in a worker thread."""
        if not isinstance(recognizer, LongForm):
            return self.conclude(list(recognizer.transcribe([self.chunk.audio], self.options)))
        if self._windows is None:
            self._windows = recognizer.transcribe_long(self.chunk.audio, self.options)
            self.chunk = self.chunk.without_audio()  # the model keeps it for as long as it needs it
        # not to wait once more, only to learn that it is over
        in_one_go = self.seconds <= getattr(recognizer, "window", 0.0)
        placed: list[Segment] = []
        for segment in self._windows:
            if segment is None:
                return placed
            placed += place(segment, self.chunk, self.options)
            self.heard = segment.end or self.heard
            if not in_one_go:
                return placed
        return placed + self.conclude([])

    def conclude(self, segments: list[Segment]) -> list[Segment]:
        """Take the last that the model has to say; return it placed."""
        placed = [piece for segment in segments for piece in place(segment, self.chunk, self.options)]
        self._last = placed[-1] if placed else None
        self.exhausted = True
        self.heard = self.seconds
        return placed

    def close(self) -> None:
        """End a generator that is not exhausted. Runs in a worker thread, or where none is at work."""
        close = getattr(self._windows, "close", None)
        try:
            if close is not None:
                close()
        except Exception:  # whoever it could be told to has left
            log.exception("The model failed when its work was broken off")
        self._windows = None

    def deliver(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._ready.put_nowait(segment)

    def end(self, error: GovorError | None = None) -> None:
        """Say that nothing follows, or why not."""
        self._ready.put_nowait(error)
        self.let_go()

    def let_go(self) -> None:
        """Forget the audio: a slow client's finished tasks cost no memory."""
        self.chunk = Chunk(NOTHING, (0,), self.chunk.starts[:1])
        self._release()
        self._release = lambda: None

    def charge(self, heard: float) -> float:
        """Note that the request has had so many seconds of this chunk; return by how many more."""
        more = max(heard - self._charged, 0.0)
        self._charged += more
        self.share.seconds += more
        self.share.heard += more
        return more


@dataclass(frozen=True, slots=True, eq=False)
class Alone(Options):
    """Options that equal no others, so that the task shares no call."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class ModelCall(InferenceTask):
    """A task that asks the model for something else than segments."""

    def __init__(self, what: Callable[[Any], object], share: FairShare, seconds: float):
        super().__init__(Chunk(NOTHING, (0,), (0,)), Alone(), share)
        self.seconds = seconds
        self.answer: object = None
        self._what = what

    def step(self, recognizer: Recognizer) -> list[Segment]:
        self.answer = self._what(recognizer)
        return self.conclude([])
