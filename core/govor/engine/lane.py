"""One loaded model's queue: who runs next, on how many threads. Knows nothing of files or HTTP.

All methods run in the event loop, but for those that say otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from govor.audio.stretches import Stretch
from govor.errors import GovorError, ShuttingDown, TranscriptionFailed
from govor.types import LongForm, Options, Recognizer, Segment

STOPPING = "The server is stopping."
CREDIT_SECONDS = 60.0
"""Who comes late is owed this much of what the others have had: a voice message goes first, but a second
ten-hour upload does not keep the first one waiting for hours."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Share:
    """How many seconds of audio a lane has done for one request: the request with the least goes first."""

    seconds: float = 0.0


class Turn:
    """One stretch waiting for, or on, a model. Iterate it for its segments, in order."""

    def __init__(self, stretch: Stretch, options: Options, share: Share):
        self.stretch = stretch
        self.options = options
        self.share = share
        self.cancelled = False
        self.exhausted = False
        """The model has no more to say."""
        self.heard = 0.0
        """Seconds of the stretch that the model is through with."""
        self._charged = 0.0
        self._windows: Iterator[Segment] | None = None  # a long-form model's generator, once begun
        self._ready: asyncio.Queue[Segment | GovorError | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Segment]:
        while (item := await self._ready.get()) is not None:
            if isinstance(item, GovorError):
                raise item
            yield item

    def step(self, recognizer: Recognizer) -> list[Segment]:
        """Do the next piece of work; return its segments, placed. Runs in a worker thread."""
        segments = self._ask(recognizer)
        placed = [self.stretch.place(segment) for segment in segments]
        self.heard = self.stretch.seconds if self.exhausted else segments[-1].end or self.heard
        return placed

    def close(self) -> None:
        """End a generator that is not exhausted. Runs in a worker thread, or where none is at work."""
        close = getattr(self._windows, "close", None)
        try:
            if close is not None:
                close()
        except Exception:  # whoever it could be told to has left
            log.exception("The model failed when its work was broken off")

    def deliver(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._ready.put_nowait(segment)

    def end(self, error: GovorError | None = None) -> None:
        self._ready.put_nowait(error)

    def charge(self, heard: float) -> None:
        """Bring the request's share up to date: it has had so many seconds of this stretch."""
        more = max(heard - self._charged, 0.0)
        self._charged += more
        self.share.seconds += more

    def _ask(self, recognizer: Recognizer) -> list[Segment]:
        if not isinstance(recognizer, LongForm):
            self.exhausted = True
            return list(recognizer.transcribe([self.stretch.audio], self.options))
        if self._windows is None:
            self._windows = recognizer.transcribe_long(self.stretch.audio, self.options)
        segment = next(self._windows, None)
        self.exhausted = segment is None
        return [] if segment is None else [segment]


class Lane:
    """The queue of one recognizer and as many workers as it may be called from in parallel."""

    def __init__(self, recognizer: Recognizer, name: str):
        self._recognizer = recognizer
        self._waiting: list[Turn] = []
        self._arrival = asyncio.Event()
        self._closed = False
        self._clock = 0.0  # share of the request that was served last
        self.workers = max(1, recognizer.parallel)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix=f"govor-{name}")
        self._tasks = [asyncio.create_task(self._work(), name=f"lane {name}") for _ in range(self.workers)]

    def submit(self, turn: Turn) -> None:
        """Queue a turn; its segments arrive on the turn itself, or ShuttingDown."""
        if self._closed:
            turn.end(ShuttingDown(STOPPING))
            return
        turn.share.seconds = max(turn.share.seconds, self._clock - CREDIT_SECONDS)
        self._waiting.append(turn)
        self._arrival.set()

    def cancel(self, turn: Turn) -> None:
        """Forget a turn at once; if it is being worked on, after its current window."""
        turn.cancelled = True
        if turn in self._waiting and not self._closed:
            self._waiting.remove(turn)
            self._threads.submit(turn.close)

    async def close(self) -> None:
        """Tell all who wait that the server is stopping, let running calls end, close the recognizer."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        unfinished, self._waiting = self._waiting, []
        for turn in unfinished:
            turn.end(ShuttingDown(STOPPING))
        await asyncio.to_thread(self._free, unfinished)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            turn = await self._next()
            try:
                outcome = await loop.run_in_executor(self._threads, self._step, turn)
            except asyncio.CancelledError:
                self._waiting.append(turn)  # for `close` to end
                raise
            self._finish_step(turn, outcome)

    def _step(self, turn: Turn) -> list[Segment] | GovorError:
        """Do a turn's next piece of work; return what it raised. Runs in a worker thread.

        A Future of asyncio cannot carry StopIteration, and SystemExit would stop the server.
        """
        try:
            return turn.step(self._recognizer)
        except GovorError as error:
            return error
        except BaseException as error:  # a model may raise anything: its client is told, the lane lives
            log.exception("The model failed on %.1f s of audio", turn.stretch.seconds)
            return TranscriptionFailed(f"The model failed: {type(error).__name__}: {error}")

    def _finish_step(self, turn: Turn, outcome: list[Segment] | GovorError) -> None:
        turn.charge(turn.heard)
        if isinstance(outcome, GovorError):
            turn.end(outcome)
        else:
            turn.deliver(outcome)
        if turn.cancelled or isinstance(outcome, GovorError):
            self._threads.submit(turn.close)
        elif turn.exhausted:
            turn.end()
        else:
            self.submit(turn)

    async def _next(self) -> Turn:
        """Wait for and take the turn of the request that has had least."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()
        turn = min(self._waiting, key=lambda waiting: waiting.share.seconds)
        self._waiting.remove(turn)
        self._clock = max(self._clock, turn.share.seconds)
        if not isinstance(self._recognizer, LongForm):
            turn.charge(turn.stretch.seconds)  # beforehand: other workers choose while this one is busy
        return turn

    def _free(self, unfinished: list[Turn]) -> None:
        """Wait for the calls that run, then free the model. Runs in a thread."""
        self._threads.shutdown()
        for turn in unfinished:
            turn.close()
        try:
            self._recognizer.close()
        except Exception:  # the other models must be freed all the same
            log.exception("A model failed while it was freed")
