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
from govor.engine.scheduling.core_budget import CoreBudget, cores_of
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.scheduling.read_ahead import ReadAheadPermits
from govor.engine.scheduling.tasks import FairShare, InferenceTask, ModelCall
from govor.engine.scheduling.thread_priority import lower_thread_priority
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


class ModelScheduler:
    """The queue of one recognizer and as many workers as it may be called from in parallel."""

    def __init__(
        self,
        recognizer: Recognizer,
        name: str,
        budget: CoreBudget | None = None,
        observer: Observer | None = None,
    ):
        """`budget` has the cores that it shares with other schedulers; None: it is alone."""
        self._name = name
        self._observer = observer or Observer()
        self._recognizer = recognizer
        self._waiting: list[InferenceTask] = []
        self._arrival = asyncio.Event()
        self._numbers = count()
        self._closed = False
        self._closing: GovorError = ShuttingDown(STOPPING)
        self._clock = 0.0  # share of the request that was served last
        self._heard = 0.0  # seconds of audio of all requests
        self.workers = max(1, recognizer.parallel)
        long_form = isinstance(recognizer, LongForm)
        self.batch = 1 if long_form else max(1, getattr(recognizer, "batch", 1))
        self.ahead = ReadAheadPermits(
            # Chunks of minutes need no reserve; of ten seconds, one more than all workers hold.
            self.workers - 1 if long_form else (self.workers + 1) * self.batch,
            self.workers + 1,
        )
        self._budget = budget or CoreBudget(UNLIMITED)
        self._account = self._budget.open_account(cores_of(recognizer), self._is_pressed, self._is_background)
        surplus = max(0, getattr(recognizer, "surplus", 0))
        self._calls = 0
        self._running: set[InferenceTask] = set()  # of all calls
        self._pressure = asyncio.Event()
        named = f"govor-{name}"
        self._threads = ThreadPoolExecutor(self.workers, named, lower_thread_priority if surplus else None)
        self._hurried = ThreadPoolExecutor(max(1, surplus), f"{named}-hurried")
        self._tasks = [
            asyncio.create_task(work(), name=f"scheduler {name}")
            for work, number in ((self._work, self.workers), (self._make_interactive, surplus))
            for _ in range(number)
        ]

    @property
    def busy(self) -> int:
        """Workers that are at work; calls beyond their number are not counted."""
        return min(self._calls, self.workers)

    async def ask(
        self,
        what: Callable[[Any], Result],
        share: FairShare | None = None,
        seconds: float = 0.0,
        queue_timer: QueueTimer | None = None,
    ) -> Result:
        """Return what a function gives for the loaded model: where it does something else than transcribe.

        It runs as a task of `share`, to which it counts as so many seconds. Raises TranscriptionFailed for
        what the function raises, QueueTimeout, and what the scheduler is closed for.
        """
        call = ModelCall(what, share or FairShare(), seconds)
        self.submit(call)
        if queue_timer is not None:
            queue_timer.begin(call, self.cancel)
        try:
            async for _ in call:
                pass
        except asyncio.CancelledError:
            self.cancel(call)
            raise
        return cast("Result", call.answer)

    @property
    def waiting(self) -> int:
        """Chunks that wait for a worker."""
        return len(self._waiting)

    def submit(self, task: InferenceTask) -> None:
        """Queue a task; its segments arrive on the task itself, or why the scheduler is closed."""
        if self._closed:
            task.end(self._closing)
            return
        if not task.begun:
            task.number = next(self._numbers)
            task.timing.queued = time.monotonic()
            if all(task.share is not each.share for each in self._present()):
                task.share.passed_over_since = self._heard
        task.share.seconds = max(task.share.seconds, self._clock - CREDIT_SECONDS)
        self._waiting.append(task)
        self._arrival.set()
        if self._is_pressed():
            self._pressure.set()
            self._budget.look_again()

    def cancel(self, task: InferenceTask) -> None:
        """Forget a task at once; if it is being worked on, after its current window."""
        task.cancelled = True
        if task in self._waiting and not self._closed:
            self._waiting.remove(task)
            self._discard(task)

    async def close(self, error: GovorError | None = None) -> None:
        """Tell all who wait the error, or that the server stops; let running calls end; free the model."""
        self._closing = error or self._closing
        self._closed = True
        for worker in self._tasks:
            worker.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        unfinished, self._waiting = self._waiting, []
        for task in unfinished:
            task.end(self._closing)
        await asyncio.to_thread(self._free, unfinished)

    async def _work(self) -> None:
        while True:
            await self._arrived()
            async with self._budget.hold(self._account):
                # only now: a shorter one may have come meanwhile
                await self._run(self._choose(), self._threads)

    async def _make_interactive(self) -> None:
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
            not task.share.heard and (not task.begun or task.share.extent <= CREDIT_SECONDS)
            for task in self._waiting
        )

    def _is_background(self) -> bool:
        """All that runs is for those who have had much, or have much before them."""
        return bool(self._running) and all(task.share.extent > CREDIT_SECONDS for task in self._running)

    def _is_overrun(self) -> bool:
        """All workers are busy with those who can wait, and somebody waits who has had nothing."""
        return self._calls >= self.workers and self._is_background() and self._is_pressed()

    async def _run(self, tasks: list[InferenceTask], threads: Executor) -> None:
        """Do the next step of tasks that were taken, in one of the threads, and tell what came of it."""
        if not tasks:
            return
        self._calls += 1
        self._running.update(tasks)
        loop, began = asyncio.get_running_loop(), time.monotonic()
        try:
            done = await loop.run_in_executor(threads, work_on, tasks, self._recognizer)
        except asyncio.CancelledError:
            self._waiting += tasks  # for `close` to end
            raise
        except Exception as error:  # no thread can be begun: who waits must not wait for ever
            log.exception("A call of '%s' could not be begun", self._name)
            done = [TranscriptionFailed(f"No thread could be begun: {error}")] * len(tasks)
        finally:
            self._calls -= 1
            self._running.difference_update(tasks)
        self._account_for(tasks, began)
        for task, outcome in zip(tasks, done, strict=True):
            self._finish_step(task, outcome)

    def _account_for(self, tasks: Sequence[InferenceTask], began: float) -> None:
        now = time.monotonic()
        for task in tasks:
            task.timing.begun = task.timing.begun or began
            task.timing.ended = now
            task.timing.worked += (now - began) / len(tasks)
        self._observer.called(self._name, len(tasks), now - began)

    def _finish_step(self, task: InferenceTask, outcome: Outcome) -> None:
        self._heard += task.charge(task.heard)
        if isinstance(outcome, GovorError):
            task.end(outcome)
            self._discard(task)
            return
        task.deliver(outcome)
        if task.cancelled:
            self._discard(task)
        elif task.exhausted:
            task.end()
        else:
            self.submit(task)

    def _discard(self, task: InferenceTask) -> None:
        task.let_go()
        if task.windows_begun:
            self._threads.submit(task.close)

    def _present(self) -> Iterable[InferenceTask]:
        """All tasks that wait, or are worked on."""
        return chain(self._waiting, self._running)

    async def _arrived(self) -> None:
        """Wait until a task waits."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()

    def _choose(self) -> list[InferenceTask]:
        """Take the task of the request that has had least, and what shares its call; none: none waits."""
        if not self._waiting:
            return []
        latest = self._heard - CREDIT_SECONDS * len({task.share for task in self._present()})
        first = min(self._waiting, key=lambda task: (task.share.passed_over_since >= latest, task.rank))
        tasks = fill_batch(first, self._waiting, self.batch) if self.batch > 1 else [first]
        self._clock = max(self._clock, first.share.seconds)
        for task in tasks:
            self._waiting.remove(task)
            task.begun = True
            if not isinstance(self._recognizer, LongForm):
                # beforehand: other workers choose while this one is busy
                self._heard += task.charge(task.seconds)
            task.share.passed_over_since = self._heard
        return tasks

    def _free(self, unfinished: Sequence[InferenceTask]) -> None:
        """Wait for the calls that run, then free the model. Runs in a thread."""
        self._threads.shutdown()
        self._hurried.shutdown()
        for task in unfinished:
            task.close()
        try:
            self._recognizer.close()
        except Exception:  # the other models must be freed all the same
            log.exception("A model failed while it was freed")
