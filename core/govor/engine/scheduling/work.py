"""The work of a task, step by step. Runs in worker threads; knows nothing of queues or files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from govor.audio.chunking import Chunk
from govor.contract.recognition import Capability, LongForm, Options, Recognizer, Segment
from govor.engine.alignment.segment_times import place

NOTHING = np.empty(0, np.float32)

SILENCE = Segment("")
"""Stands for a chunk in which a model found no speech: the chunk has its place among the others."""

log = logging.getLogger(__name__)


class ChunkWork:
    """The transcription of one chunk, in one step or window by window."""

    def __init__(self, chunk: Chunk, options: Options):
        self.chunk = chunk
        self.options = options
        self.seconds = chunk.seconds
        self.done = 0.0
        """Seconds of the chunk that are done."""
        self.exhausted = False
        """Whether the model has returned all its segments."""
        self.last: Segment | None = None
        """The last segment, once the work is done."""
        self._windows: Iterator[Segment | None] | None = None  # a long-form model's generator, once begun

    @property
    def windows_begun(self) -> bool:
        """Whether a generator was made, which `close` has to close."""
        return self._windows is not None

    def step(self, recognizer: Recognizer) -> list[Segment]:
        """Do the next step; return its segments, with times of the recording."""
        info = recognizer.info
        if Capability.LONG_FORM not in info.capabilities:
            (segments,) = recognizer.transcribe([self.chunk.audio], self.options)
            return self.conclude(segments if len(segments) else [SILENCE])
        if self._windows is None:
            self._windows = cast("LongForm", recognizer).transcribe_long(self.chunk.audio, self.options)
            self.chunk = self.chunk.without_audio()  # the model holds the audio for as long as it needs it
        # a chunk of one window is done to its end, for a second wait would only show that nothing follows
        in_one_go = self.seconds <= info.window
        placed: list[Segment] = []
        for segment in self._windows:
            if segment is None:
                return placed
            placed += place(segment, self.chunk, self.options)
            self.done = segment.end or self.done
            if not in_one_go:
                return placed
        return placed + self.conclude([])

    def conclude(self, segments: Sequence[Segment]) -> list[Segment]:
        """Take the model's last segments; return them with times of the recording."""
        placed = [piece for segment in segments for piece in place(segment, self.chunk, self.options)]
        self.last = placed[-1] if placed else None
        self.exhausted = True
        self.done = self.seconds
        return placed

    def close(self) -> None:
        """Close a generator that is not exhausted. Runs in a worker thread, or while no worker runs."""
        close = getattr(self._windows, "close", None)
        try:
            if close is not None:
                close()
        except Exception:  # no request is left that could get the error
            log.exception("The model failed when its work was cancelled")
        self._windows = None

    def drop_audio(self) -> None:
        """Drop the audio; keep the start of the chunk."""
        self.chunk = Chunk(NOTHING, (0,), self.chunk.starts[:1])


class CallWork(ChunkWork):
    """A function of the model that returns something other than segments."""

    def __init__(self, call: Callable[[Any], object], seconds: float):
        super().__init__(Chunk(NOTHING, (0,), (0,)), Options())
        self.seconds = seconds
        self.answer: object = None
        self._call = call

    def step(self, recognizer: Recognizer) -> list[Segment]:
        """Call the function and keep its result in `answer`."""
        self.answer = self._call(recognizer)
        return self.conclude([])
