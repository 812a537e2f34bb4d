"""One loaded model's queue: who runs next, on how many threads. Knows nothing of files or HTTP.

All methods run in the event loop; only `_Turn.step` runs in the lane's worker threads.
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

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Share:
    """How much of a lane one request has had: the request with the least goes first."""

    seconds: float = 0.0


class Turn:
    """One stretch waiting for, or on, a model. Iterate it for its segments, in order."""

    def __init__(self, stretch: Stretch, options: Options, share: Share):
        self.stretch = stretch
        self.options = options
        self.share = share
        self.cancelled = False
        self._windows: Iterator[Segment] | None = None  # a long-form model's generator, once begun
        self._heard = 0.0  # seconds of the stretch already accounted for
        self._ready: asyncio.Queue[Segment | GovorError | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Segment]:
        while (item := await self._ready.get()) is not None:
            if isinstance(item, GovorError):
                raise item
            yield item

    def step(self, recognizer: Recognizer) -> list[Segment] | None:
        """Do the next piece of work; None when nothing is left. Runs in a worker thread."""
        if not isinstance(recognizer, LongForm):
            if self._heard:
                return None
            self._account(self.stretch.seconds)
            return list(recognizer.transcribe([self.stretch.audio], self.options))
        if self._windows is None:
            self._windows = recognizer.transcribe_long(self.stretch.audio, self.options)
        segment = next(self._windows, None)
        if segment is None:
            self._account(self.stretch.seconds)
            return None
        self._account(segment.end or 0.0)
        return [segment]

    def close(self) -> None:
        """End a generator that is not exhausted. Runs in a worker thread, or where none is at work."""
        close = getattr(self._windows, "close", None)
        if close is not None:
            close()

    def deliver(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._ready.put_nowait(self.stretch.place(segment))

    def end(self, error: GovorError | None = None) -> None:
        self._ready.put_nowait(error)

    def _account(self, heard: float) -> None:
        self.share.seconds += max(heard - self._heard, 0.0)
        self._heard = max(heard, self._heard)


class Lane:
    """The queue of one recognizer and as many workers as it may be called from in parallel."""

    def __init__(self, recognizer: Recognizer, name: str):
        self._recognizer = recognizer
        self._waiting: list[Turn] = []
        self._arrival = asyncio.Condition()
        self.workers = max(1, recognizer.parallel)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix=f"govor-{name}")
        self._tasks = [asyncio.create_task(self._work(), name=f"lane {name}") for _ in range(self.workers)]

    async def submit(self, turn: Turn) -> None:
        """Queue a turn; its segments arrive on the turn itself."""
        async with self._arrival:
            self._waiting.append(turn)
            self._arrival.notify()

    def cancel(self, turn: Turn) -> None:
        """Forget a turn at once; if it is being worked on, after its current window."""
        turn.cancelled = True
        if turn in self._waiting:
            self._waiting.remove(turn)
            self._threads.submit(turn.close)

    async def close(self) -> None:
        """Stop the workers after what they are doing and close the recognizer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for turn in self._waiting:
            turn.end(ShuttingDown("The server is stopping."))
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._recognizer.close)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            turn = await self._next()
            step = loop.run_in_executor(self._threads, turn.step, self._recognizer)
            try:
                segments = await asyncio.shield(step)
            except asyncio.CancelledError:
                turn.end(ShuttingDown("The server is stopping."))
                raise
            except GovorError as error:
                turn.end(error)
            except Exception as error:  # a model may raise anything: its client is told, the lane lives
                log.exception("The model failed on %.1f s of audio", turn.stretch.seconds)
                turn.end(TranscriptionFailed(f"The model failed: {type(error).__name__}: {error}"))
            else:
                await self._finish_step(turn, segments)

    async def _finish_step(self, turn: Turn, segments: list[Segment] | None) -> None:
        if turn.cancelled:
            self._threads.submit(turn.close)
        elif segments is None:
            turn.end()
        else:
            turn.deliver(segments)
            await self.submit(turn)

    async def _next(self) -> Turn:
        """Wait for and take the turn of the request that has had least."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: self._waiting)
            turn = min(self._waiting, key=lambda waiting: waiting.share.seconds)
            self._waiting.remove(turn)
            return turn
