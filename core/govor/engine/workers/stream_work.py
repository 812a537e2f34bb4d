"""The calls for one stream of a model. Runs in worker threads; knows nothing of queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from govor.audio.chunking import Chunk
from govor.contract.audio import Audio
from govor.contract.recognizers import Options
from govor.contract.streaming import RecognizerStream
from govor.contract.workers import Progress
from govor.engine.workers.work import NOTHING, ChunkWork
from govor.errors import TranscriptionFailed
from govor.models.streamed import advance, close_stream, finish, open_stream


class OpenWork(ChunkWork):
    """Opens a stream in its only step, and holds it until it is closed."""

    def __init__(self, options: Options):
        super().__init__(Chunk(NOTHING, (0,), (0,)), options)
        self._stream: RecognizerStream | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("A stream cannot leave the process that holds its model.")

    @property
    def stream(self) -> RecognizerStream:
        """The stream. Raises TranscriptionFailed if it is closed, as when its model was lost."""
        if self._stream is None:
            raise TranscriptionFailed("The stream has ended before its audio, because its model was lost.")
        return self._stream

    def step(self, model: Any) -> Progress:
        """Open the stream."""
        self._stream = open_stream(model, self.options)
        return Progress((), self.seconds, finished=True)

    def remaining(self, done: float, audio: Audio | None = None) -> OpenWork:
        return self

    def close(self) -> None:
        """Close the stream, if it is open."""
        stream, self._stream = self._stream, None
        if stream is not None:
            close_stream(stream)


class AdvanceWork(ChunkWork):
    """The next samples of a stream; the answer is an `Update`. Samples of several streams share a call."""

    repeatable = False

    def __init__(self, opened: OpenWork, audio: Audio):
        super().__init__(Chunk(audio, (0,), (0,)), opened.options)
        self._opened = opened

    def step(self, model: Any) -> Progress:
        """Advance the stream alone."""
        (progress,) = self.step_together([self], model)
        return progress

    def step_together(self, tasks: Sequence[AdvanceWork], model: Any) -> list[Progress]:  # type: ignore[override]
        """Advance several streams in one call."""
        updates = advance(model, [(task._opened.stream, task.chunk.audio) for task in tasks])
        return [
            Progress((), task.seconds, finished=True, answer=update)
            for task, update in zip(tasks, updates, strict=True)
        ]


class FinishWork(ChunkWork):
    """The end of a stream; the answer is its last segments. The ends of several streams share a call."""

    repeatable = False

    def __init__(self, opened: OpenWork):
        super().__init__(Chunk(NOTHING, (0,), (0,)), opened.options)
        self._opened = opened

    def step(self, model: Any) -> Progress:
        """Finish the stream alone."""
        (progress,) = self.step_together([self], model)
        return progress

    def step_together(self, tasks: Sequence[FinishWork], model: Any) -> list[Progress]:  # type: ignore[override]
        """Finish several streams in one call."""
        rests = finish(model, [task._opened.stream for task in tasks])
        return [Progress((), 0.0, finished=True, answer=rest) for _, rest in zip(tasks, rests, strict=True)]
