"""The work of a task, step by step. Runs in worker threads; knows nothing of queues or files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, cast

import numpy as np

from govor.audio.chunking import Chunk
from govor.contract.audio import Audio
from govor.contract.recognizers import Capability, LongForm, Options, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import Streaming
from govor.contract.workers import Progress
from govor.engine.alignment.segment_times import place
from govor.models.streamed import transcribe

NOTHING = np.empty(0, np.float32)

SILENCE = Segment("")
"""Stands for a chunk in which a model found no speech: the chunk has its place among the others."""

NUMBERS = count()
"""Numbers of tasks: no two of this process have the same."""

log = logging.getLogger(__name__)


class ChunkWork:
    """The transcription of one chunk, in one step or window by window. A `contract.workers.WorkerTask`."""

    repeatable = True
    """Whether it can be done again from where it was, by another instance of the model."""

    def __init__(self, chunk: Chunk, options: Options, before: float = 0.0):
        """`before`: seconds of the task that were done before this chunk."""
        self.number = next(NUMBERS)
        self.cancelled = False
        self.chunk = chunk
        self.options = options
        self.seconds = before + chunk.seconds
        self._before = self._done = before
        self._windows: Iterator[Segment | None] | None = None  # a long-form model's generator, once begun

    def step(self, model: Recognizer | Streaming) -> Progress:
        """Do the next step; its segments have times of the recording."""
        if not len(self.chunk.audio):  # nothing is left of a chunk that was done but for its end
            return Progress((), self.seconds, finished=True)
        info = model.info
        if Capability.LONG_FORM not in info.capabilities:
            (segments,) = transcribe(model, [self.chunk.audio], self.options)
            return self._conclude(segments)
        if self._windows is None:
            self._windows = cast("LongForm", model).transcribe_long(self.chunk.audio, self.options)
            # the model holds the audio for as long as it needs it
            self.chunk, self.repeatable = self.chunk.without_audio(), False
        # a chunk of one window is done to its end, for a second wait would only show that nothing follows
        in_one_go = self.chunk.seconds <= info.window
        placed: list[Segment] = []
        for segment in self._windows:
            if segment is None:
                return Progress(placed, self._done)
            placed += place(segment, self.chunk, self.options)
            self._done = self._before + segment.end if segment.end else self._done
            if not in_one_go:
                return Progress(placed, self._done)
        return Progress(placed, self.seconds, finished=True)

    def step_together(self, tasks: Sequence[ChunkWork], model: Recognizer | Streaming) -> list[Progress]:
        """Transcribe several chunks with equal options in one call."""
        found = transcribe(model, [task.chunk.audio for task in tasks], self.options)
        return [task._conclude(segments) for task, segments in zip(tasks, found, strict=True)]

    def remaining(self, done: float, audio: Audio | None = None) -> ChunkWork:
        """Return the work after its first `done` seconds, not begun; `audio`: the chunk's, if dropped."""
        chunk = self.chunk if audio is None else replace(self.chunk, audio=audio)
        return ChunkWork(chunk.rest(done - self._before), self.options, done)

    def close(self) -> None:
        """Close a generator that is not exhausted."""
        close = getattr(self._windows, "close", None)
        try:
            if close is not None:
                close()
        except BaseException:  # no request is left that could get the error
            log.exception("The model failed when its work was cancelled")
        self._windows = None

    def drop_audio(self) -> None:
        """Drop the audio; keep the start of the chunk."""
        self.chunk = Chunk(NOTHING, (0,), self.chunk.starts[:1])

    def _conclude(self, segments: Sequence[Segment]) -> Progress:
        """Return the model's only segments with times of the recording."""
        heard = segments if len(segments) else [SILENCE]
        placed = [piece for segment in heard for piece in place(segment, self.chunk, self.options)]
        return Progress(placed, self.seconds, finished=True)


class CallWork(ChunkWork):
    """A function of the model that returns something other than segments."""

    def __init__(self, call: Callable[[Any], object], seconds: float, *, repeatable: bool = True):
        super().__init__(Chunk(NOTHING, (0,), (0,)), Options())
        self.seconds = seconds
        self.repeatable = repeatable
        self._call = call

    def step(self, model: Any) -> Progress:
        """Call the function; its result is the answer."""
        return Progress((), self.seconds, finished=True, answer=self._call(model))

    def remaining(self, done: float, audio: Audio | None = None) -> CallWork:
        return CallWork(self._call, self.seconds)
