"""One chunk of a recording as a task: its position in the queue, its work, its results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import TypeAlias

from govor.audio.chunking import Chunk
from govor.contract.audio import Audio
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.contract.workers import Progress
from govor.engine.scheduling.fair_share import ORDINARY, FairShare, QueueEntry, Urgency
from govor.engine.scheduling.results import TaskResults
from govor.engine.workers.work import ChunkWork
from govor.errors import BackendUnavailable, GovorError
from govor.events import Timing

Reread: TypeAlias = Callable[[Chunk], Awaitable[Audio]]
"""Reads the audio of a chunk again. Raises GovorError."""


def nothing() -> None:
    """Do nothing: for tasks whose audio nothing counts."""


class Task(QueueEntry):
    """Work that waits for a model, or that the model does. Iterate it for its segments, in order."""

    def __init__(
        self,
        work: ChunkWork,
        share: FairShare,
        *,
        batch_key: Hashable | None = None,
        release: Callable[[], None] = nothing,
        urgency: Urgency = ORDINARY,
        reread: Reread | None = None,
    ):
        """`release` is called once, in the event loop, when the audio is no longer needed."""
        super().__init__(
            share,
            work.seconds,
            batch_key=batch_key,
            urgency=urgency,
        )
        self.work = work
        self.done = 0.0
        """Seconds that are done."""
        self.finished = False
        """Whether the model has done its last step."""
        self.retried = False
        """Whether the model was lost in one of its steps, which was then repeated."""
        self.timing = Timing()
        self._reread = reread
        self._times = work.chunk.without_audio()
        self._results: TaskResults[Segment] = TaskResults()
        self._release = release

    def __aiter__(self) -> AsyncIterator[Segment]:
        """Yield segments as the model finds them. Raises the error that the work ended with."""
        return self._results.__aiter__()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.work.cancelled

    @property
    def reached(self) -> float:
        """Seconds of the recording up to which the model has worked."""
        return self._times.recording_time(self.done)

    @property
    def may_retry(self) -> bool:
        """Whether the step that the model was lost in may be repeated."""
        is_repeatable = self.work.repeatable or self._reread is not None
        return is_repeatable and not self.retried and not self.cancelled

    async def restart(self) -> GovorError | None:
        """Forget what a lost model has begun, but not what it has answered; return why that is impossible.

        If the model has taken the audio, that is read again.
        """
        audio = None
        if not self.work.repeatable:
            if self._reread is None:
                return BackendUnavailable("The model was lost in the midst of this, and cannot begin again.")
            try:
                audio = await self._reread(self.work.chunk)
            except GovorError as error:
                return error
        self.work = self.work.remaining(self.done, audio)
        return None

    def cancel(self) -> None:
        """Record that nobody waits for it any more."""
        self.work.cancelled = True

    def take(self, progress: Progress) -> None:
        """Record a step of the model, and hand its segments to the request."""
        self.done, self.finished = progress.done, progress.finished
        self._results.deliver(progress.segments)

    def end(self, error: GovorError | None = None) -> None:
        """End the results, with an error if there was one, and drop the audio."""
        self._results.end(error)
        self.drop_audio()

    def drop_audio(self) -> None:
        """Drop the audio, so that finished tasks of a slow client hold no memory."""
        self.work.drop_audio()
        self._release()
        self._release = nothing


class InferenceTask(Task):
    """The transcription of a chunk. Tasks with equal options may share a call."""

    def __init__(
        self,
        chunk: Chunk,
        options: Options,
        share: FairShare,
        release: Callable[[], None] = nothing,
        *,
        urgency: Urgency = ORDINARY,
        reread: Reread | None = None,
    ):
        """`reread` is used if the model is lost after it has taken the audio; None: that cannot be done."""
        super().__init__(
            ChunkWork(chunk, options),
            share,
            batch_key=options,
            release=release,
            urgency=urgency,
            reread=reread,
        )
        self.options = options
        self.end_time = chunk.end
        self.seam = chunk.seam
        self._last: Segment | None = None

    @property
    def chunk(self) -> Chunk:
        """The rest of the chunk; without audio once a long-form model has it, or when it was dropped."""
        return self.work.chunk

    def ends_with(self, segment: Segment) -> bool:
        """Return whether this is the last segment. Known only if the model does the chunk in one step."""
        return segment is self._last

    def take(self, progress: Progress) -> None:
        if progress.finished and progress.segments:
            self._last = progress.segments[-1]
        super().take(progress)


class ModelCall(Task):
    """A call of the model that returns something other than segments."""

    answer: object = None
    """The result of the call, once the task has ended without an error."""

    def take(self, progress: Progress) -> None:
        self.answer = progress.answer
        super().take(progress)
