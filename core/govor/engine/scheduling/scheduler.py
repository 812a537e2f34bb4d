"""One loaded model's queue: who runs next, on how many threads. Knows nothing of files or HTTP.

All methods run in the event loop, but for those that say otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import chain, count
from typing import Any, TypeVar, cast

from govor.contract.recognition import LongForm, Recognizer
from govor.engine.scheduling.batching import Outcome, fill_batch, work_on
from govor.engine.scheduling.core_budget import Budget, cores_of
from govor.engine.scheduling.queue_timeout import Patience
from govor.engine.scheduling.read_ahead import ReadAhead
from govor.engine.scheduling.tasks import Errand, Share, Turn
from govor.engine.scheduling.thread_priority import stand_back
from govor.errors import GovorError, ShuttingDown, TranscriptionFailed
from govor.events import Observer

STOPPING = "The server is stopping."
CREDIT_SECONDS = 60.0
"""Who comes late is owed this much of what the others have had: a voice message goes first, but a second
ten-hour upload does not keep the first one waiting for hours. Who has been passed over for as much, times the
requests that there are, goes first: nor do voice messages without end."""

UNLIMITED = 1_000_000

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Lane:
    """The queue of one recognizer and as many workers as it may be called from in parallel."""

    def __init__(
        self,
        recognizer: Recognizer,
        name: str,
        budget: Budget | None = None,
        observer: Observer | None = None,
    ):
        """`budget` has the cores that it shares with other lanes; None: it is alone."""
        self._name = name
        self._observer = observer or Observer()
        self._recognizer = recognizer
        self._waiting: list[Turn] = []
        self._arrival = asyncio.Event()
        self._numbers = count()
        self._closed = False
        self._closing: GovorError = ShuttingDown(STOPPING)
        self._clock = 0.0  # share of the request that was served last
        self._heard = 0.0  # seconds of audio of all requests
        self.workers = max(1, recognizer.parallel)
        long_form = isinstance(recognizer, LongForm)
        self.batch = 1 if long_form else max(1, getattr(recognizer, "batch", 1))
        self.ahead = ReadAhead(
            # Stretches of minutes need no reserve; of ten seconds, one more than all workers hold.
            self.workers - 1 if long_form else (self.workers + 1) * self.batch,
            self.workers + 1,
        )
        self._budget = budget or Budget(UNLIMITED)
        self._account = self._budget.open_account(cores_of(recognizer), self._is_pressed, self._is_patient)
        surplus = max(0, getattr(recognizer, "surplus", 0))
        self._calls = 0
        self._running: set[Turn] = set()  # of all calls
        self._pressure = asyncio.Event()
        named = f"govor-{name}"
        self._threads = ThreadPoolExecutor(self.workers, named, stand_back if surplus else None)
        self._hurried = ThreadPoolExecutor(max(1, surplus), f"{named}-hurried")
        self._tasks = [
            asyncio.create_task(work(), name=f"lane {name}")
            for work, number in ((self._work, self.workers), (self._hurry, surplus))
            for _ in range(number)
        ]

    @property
    def busy(self) -> int:
        """Workers that are at work; calls beyond their number are not counted."""
        return min(self._calls, self.workers)

    async def ask(
        self,
        what: Callable[[Any], Result],
        share: Share | None = None,
        seconds: float = 0.0,
        patience: Patience | None = None,
    ) -> Result:
        """Return what a function gives for the loaded model: where it does something else than transcribe.

        It runs as a turn of `share`, to which it counts as so many seconds. Raises TranscriptionFailed for
        what the function raises, QueueTimeout, and what the lane is closed for.
        """
        errand = Errand(what, share or Share(), seconds)
        self.submit(errand)
        if patience is not None:
            patience.begin(errand, self.cancel)
        try:
            async for _ in errand:
                pass
        except asyncio.CancelledError:
            self.cancel(errand)
            raise
        return cast("Result", errand.answer)

    @property
    def waiting(self) -> int:
        """Stretches that wait for a worker."""
        return len(self._waiting)

    def submit(self, turn: Turn) -> None:
        """Queue a turn; its segments arrive on the turn itself, or why the lane is closed."""
        if self._closed:
            turn.end(self._closing)
            return
        if not turn.begun:
            turn.number = next(self._numbers)
            turn.timing.queued = time.monotonic()
            if all(turn.share is not each.share for each in self._present()):
                turn.share.passed_over_since = self._heard
        turn.share.seconds = max(turn.share.seconds, self._clock - CREDIT_SECONDS)
        self._waiting.append(turn)
        self._arrival.set()
        if self._is_pressed():
            self._pressure.set()
            self._budget.look_again()

    def cancel(self, turn: Turn) -> None:
        """Forget a turn at once; if it is being worked on, after its current window."""
        turn.cancelled = True
        if turn in self._waiting and not self._closed:
            self._waiting.remove(turn)
            self._discard(turn)

    async def close(self, error: GovorError | None = None) -> None:
        """Tell all who wait the error, or that the server stops; let running calls end; free the model."""
        self._closing = error or self._closing
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        unfinished, self._waiting = self._waiting, []
        for turn in unfinished:
            turn.end(self._closing)
        await asyncio.to_thread(self._free, unfinished)

    async def _work(self) -> None:
        while True:
            await self._arrived()
            async with self._budget.hold(self._account):
                # only now: a shorter one may have come meanwhile
                await self._run(self._choose(), self._threads)

    async def _hurry(self) -> None:
        """Take what should not wait for the calls that run."""
        while True:
            await self._pressure.wait()
            self._pressure.clear()
            async with self._budget.hold(self._account):
                await self._run(self._choose() if self._is_overrun() else [], self._hurried)
            if self._is_overrun():  # more have come meanwhile, or together
                self._pressure.set()

    def _is_pressed(self) -> bool:
        """Somebody waits who has had nothing yet; of a long recording only the first attempt is pressing."""
        return any(
            not turn.share.heard and (not turn.begun or turn.share.extent <= CREDIT_SECONDS)
            for turn in self._waiting
        )

    def _is_patient(self) -> bool:
        """All that runs is for those who have had much, or have much before them."""
        return bool(self._running) and all(turn.share.extent > CREDIT_SECONDS for turn in self._running)

    def _is_overrun(self) -> bool:
        """All workers are busy with those who can wait, and somebody waits who has had nothing."""
        return self._calls >= self.workers and self._is_patient() and self._is_pressed()

    async def _run(self, turns: list[Turn], threads: Executor) -> None:
        """Do the next step of turns that were taken, in one of the threads, and tell what came of it."""
        if not turns:
            return
        self._calls += 1
        self._running.update(turns)
        loop, began = asyncio.get_running_loop(), time.monotonic()
        try:
            done = await loop.run_in_executor(threads, work_on, turns, self._recognizer)
        except asyncio.CancelledError:
            self._waiting += turns  # for `close` to end
            raise
        except Exception as error:  # no thread can be begun: who waits must not wait for ever
            log.exception("A call of '%s' could not be begun", self._name)
            done = [TranscriptionFailed(f"No thread could be begun: {error}")] * len(turns)
        finally:
            self._calls -= 1
            self._running.difference_update(turns)
        self._account_for(turns, began)
        for turn, outcome in zip(turns, done, strict=True):
            self._finish_step(turn, outcome)

    def _account_for(self, turns: Sequence[Turn], began: float) -> None:
        now = time.monotonic()
        for turn in turns:
            turn.timing.begun = turn.timing.begun or began
            turn.timing.ended = now
            turn.timing.worked += (now - began) / len(turns)
        self._observer.called(self._name, len(turns), now - began)

    def _finish_step(self, turn: Turn, outcome: Outcome) -> None:
        self._heard += turn.charge(turn.heard)
        if isinstance(outcome, GovorError):
            turn.end(outcome)
            self._discard(turn)
            return
        turn.deliver(outcome)
        if turn.cancelled:
            self._discard(turn)
        elif turn.exhausted:
            turn.end()
        else:
            self.submit(turn)

    def _discard(self, turn: Turn) -> None:
        turn.let_go()
        if turn.windows_begun:
            self._threads.submit(turn.close)

    def _present(self) -> Iterable[Turn]:
        """All turns that wait, or are worked on."""
        return chain(self._waiting, self._running)

    async def _arrived(self) -> None:
        """Wait until a turn waits."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()

    def _choose(self) -> list[Turn]:
        """Take the turn of the request that has had least, and what shares its call; none: none waits."""
        if not self._waiting:
            return []
        latest = self._heard - CREDIT_SECONDS * len({turn.share for turn in self._present()})
        first = min(self._waiting, key=lambda turn: (turn.share.passed_over_since >= latest, turn.rank))
        turns = fill_batch(first, self._waiting, self.batch) if self.batch > 1 else [first]
        self._clock = max(self._clock, first.share.seconds)
        for turn in turns:
            self._waiting.remove(turn)
            turn.begun = True
            if not isinstance(self._recognizer, LongForm):
                # beforehand: other workers choose while this one is busy
                self._heard += turn.charge(turn.seconds)
            turn.share.passed_over_since = self._heard
        return turns

    def _free(self, unfinished: Sequence[Turn]) -> None:
        """Wait for the calls that run, then free the model. Runs in a thread."""
        self._threads.shutdown()
        self._hurried.shutdown()
        for turn in unfinished:
            turn.close()
        try:
            self._recognizer.close()
        except Exception:  # the other models must be freed all the same
            log.exception("A model failed while it was freed")
