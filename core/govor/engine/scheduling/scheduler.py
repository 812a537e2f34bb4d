"""The queue of one loaded model, and the calls of its worker. Knows nothing of files or HTTP.

Methods run in the event loop unless their docstring says otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from govor.contract.recognizers import Capability
from govor.contract.workers import Outcome, Worker
from govor.engine.scheduling.core_budget import CoreBudget, cores_of
from govor.engine.scheduling.fair_queue import FairQueue
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.scheduling.read_ahead import ReadAheadPermits
from govor.engine.scheduling.tasks import ModelCall, Task
from govor.engine.workers.recovery import GiveUp, RecoveringWorker, Reopen
from govor.engine.workers.work import CallWork, ChunkWork
from govor.errors import BackendUnavailable, GovorError, QueueTimeout, ShuttingDown, TranscriptionFailed
from govor.events import Observer

STOPPING = "The server is stopping."
UNLIMITED = 1_000_000

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class ModelScheduler:
    """The queue of one loaded model, whose worker gets as many calls at once as the model supports."""

    def __init__(
        self,
        worker: Worker,
        name: str,
        budget: CoreBudget | None = None,
        observer: Observer | None = None,
    ):
        """`budget` holds the cores that schedulers share; None: this is the only scheduler."""
        self._name = name
        self._observer = observer or Observer()
        self._worker = RecoveringWorker(worker, name, self._restart_begun)
        self._arrival = asyncio.Event()
        self._closed = False
        self._closing: GovorError = ShuttingDown(STOPPING)
        info = worker.info
        self.workers = info.parallel
        long_form = Capability.LONG_FORM in info.capabilities
        self.batch = 1 if long_form else info.batch
        self.queue: FairQueue[Task] = FairQueue(
            self.batch, batch_seconds=info.batch_seconds, charges_ahead=not long_form
        )
        self.ahead = ReadAheadPermits(
            # chunks of minutes need no reserve; of chunks of ten seconds, one more than all workers hold
            self.workers - 1 if long_form else (self.workers + 1) * self.batch,
            self.workers + 1,
        )
        self._budget = budget or CoreBudget(UNLIMITED)
        self._account = self._budget.open_account(
            cores_of(info), lambda: self.queue.is_pressed, lambda: self.queue.is_background
        )
        self._calls = 0
        self._pressure = asyncio.Event()
        self._tasks = [
            asyncio.create_task(work(), name=f"scheduler {name}")
            for work, number in ((self._work, self.workers), (self._run_urgent, info.surplus))
            for _ in range(number)
        ]

    def recover(self, reopen: Reopen, give_up: GiveUp) -> None:
        """Load the model by `reopen` whenever it is lost, and repeat its calls; `give_up` if in vain."""
        self._worker.recover(reopen, give_up)

    @property
    def busy(self) -> int:
        """Workers that run a call; urgent calls beyond the number of workers do not count."""
        return min(self._calls, self.workers)

    async def ask(
        self,
        what: Callable[[Any], Result],
        share: FairShare | None = None,
        seconds: float = 0.0,
        queue_timer: QueueTimer | None = None,
        *,
        repeatable: bool = True,
    ) -> Result:
        """Return the result of a function of the loaded model, for calls other than `transcribe`.

        The call runs as a task and adds `seconds` to `share`. Raises TranscriptionFailed if the function
        raises, QueueTimeout, and the error that the scheduler was closed with.
        """
        work = CallWork(what, seconds, repeatable=repeatable)
        return cast("Result", await self.call(ModelCall(work, share or FairShare()), queue_timer))

    async def call(self, call: ModelCall, queue_timer: QueueTimer | None = None) -> object:
        """Submit a call and return its answer. Raises the errors of `ask`."""
        self.submit(call)
        if queue_timer is not None:
            queue_timer.begin(call, self.cancel)
        try:
            async for _ in call:
                pass
        except asyncio.CancelledError:
            self.cancel(call)
            raise
        return call.answer

    def hold(self, work: ChunkWork) -> None:
        """Close a work before the model is closed, unless it is released earlier."""
        self._worker.hold(work)

    def release(self, work: ChunkWork) -> None:
        """Close a work that was held, and on which no task works."""
        if not self._closed:  # else it is closed with the model, after the calls that run
            self._worker.release(work)

    @property
    def waiting(self) -> int:
        """Chunks that wait for a worker."""
        return len(self.queue.waiting)

    def submit(self, task: Task) -> None:
        """Queue a task, which delivers its segments itself. If the scheduler is closed, end the task."""
        if self._closed:
            task.end(self._closing)
            return
        if not task.begun:
            task.timing.queued = time.monotonic()
            self._watch_deadline(task)
        for older in self.queue.submit(task):
            older.end()
            self._discard(older)
        self._arrival.set()
        if self.queue.is_pressed:
            self._pressure.set()
            self._budget.look_again()

    def cancel(self, task: Task) -> None:
        """Remove a task at once or, if it runs, after its current window."""
        task.cancel()
        if not self._closed and self.queue.withdraw(task):
            self._discard(task)

    async def close(self, error: GovorError | None = None) -> None:
        """End all waiting tasks with `error` or ShuttingDown, wait for running calls, free the model."""
        self._closing = error or self._closing
        self._closed = True
        for worker in self._tasks:
            worker.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        unfinished = self.queue.clear()
        for task in unfinished:
            task.end(self._closing)
        await self._worker.close([task.work for task in unfinished])

    async def _work(self) -> None:
        while True:
            await self._arrived()
            async with self._budget.hold(self._account):
                # the choice is made here, for a shorter request may have come while this one waited
                await self._run(self.queue.take() if self._worker.ready else [])

    async def _run_urgent(self) -> None:
        """Run urgent tasks beside the calls that occupy all workers."""
        while True:
            await self._pressure.wait()
            await self._worker.until_ready()
            self._pressure.clear()
            async with self._budget.hold(self._account):
                await self._run(self.queue.take() if self._is_overrun() else [], urgent=True)
            if self._is_overrun():  # other urgent tasks may have come
                self._pressure.set()

    def _is_overrun(self) -> bool:
        """Return whether all workers run long requests while a request waits that has had nothing yet."""
        busy = self._calls >= self.workers and self._worker.ready
        return busy and self.queue.is_background and self.queue.is_pressed

    async def _run(self, tasks: list[Task], *, urgent: bool = False) -> None:
        """Let the worker do the next step of the tasks taken, and deliver the results."""
        if not tasks:
            return
        self._calls += 1
        began = time.monotonic()
        outcomes: Sequence[Outcome]
        try:
            outcomes = await self._worker.run(
                [task.work for task in tasks], urgent=urgent, alone=any(task.retried for task in tasks)
            )
        except asyncio.CancelledError:
            self.queue.put_back(tasks)  # for `close` to end
            raise
        except BaseException as error:  # as if no thread can be started: the requests must not wait for ever
            log.exception("A call of '%s' could not be made", self._name)
            outcomes = [TranscriptionFailed(f"The model could not be called: {error}")] * len(tasks)
        finally:
            self._calls -= 1
        self._account_for(tasks, began)
        for task, outcome in zip(tasks, outcomes, strict=True):
            self._finish_step(task, outcome)

    def _account_for(self, tasks: Sequence[Task], began: float) -> None:
        now = time.monotonic()
        for task in tasks:
            task.timing.begun = task.timing.begun or began
            task.timing.ended = now
            task.timing.worked += (now - began) / len(tasks)
        self._observer.called(self._name, len(tasks), now - began)

    def _finish_step(self, task: Task, outcome: Outcome) -> None:
        if isinstance(outcome, BackendUnavailable) and self._worker.recovers and task.may_retry:
            self.queue.put_back([task])  # `_restart_begun` restarts it
            task.retried, task.batch_key = True, None
            return
        if isinstance(outcome, GovorError):
            self.queue.settle(task, task.done)
            task.end(outcome)
            self._discard(task)
            return
        task.take(outcome)
        self.queue.settle(task, task.done)
        if task.cancelled:
            self._discard(task)
        elif task.finished:
            task.end()
        else:
            self.submit(task)

    def _discard(self, task: Task) -> None:
        task.drop_audio()
        if task.begun and not task.finished:
            self._worker.drop(task.work)

    async def _restart_begun(self) -> None:
        """Restart the tasks that a lost model has begun; end those that it alone could go on with."""
        for task in [task for task in self.queue.waiting if task.begun]:
            self._worker.drop(task.work)
            if (error := await task.restart()) and self.queue.withdraw(task):
                task.end(error)

    def _watch_deadline(self, task: Task) -> None:
        """End a task at its deadline if it has not begun by then."""
        if task.urgency.deadline is not None:
            remaining = max(task.urgency.deadline - time.monotonic(), 0.0)
            asyncio.get_running_loop().call_later(remaining, self._expire)

    def _expire(self) -> None:
        for task in self.queue.expire(time.monotonic()):
            task.end(QueueTimeout("The work had not begun by its deadline."))
            self._discard(task)

    async def _arrived(self) -> None:
        """Wait until the queue has a task and the model is there."""
        await self._worker.until_ready()
        while not self.queue.waiting:
            self._arrival.clear()
            await self._arrival.wait()
            await self._worker.until_ready()
