"""Replaces the worker of a model that was lost. Knows nothing of queues or of memory.

A call that the model was lost in may be repeated once. It then runs alone, so that a recording that ends the
model ends no other call a second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from govor.contract.recognizers import RecognizerInfo
from govor.contract.workers import Outcome, Worker, WorkerTask
from govor.errors import BackendUnavailable, GovorError, LoadFailed, reason

MOST_LOSSES = 3
"""Losses after which a model is given up if no call succeeded between them. A recording that ends the model
causes two."""

Reopen = Callable[[GovorError], Awaitable[Worker]]
"""Loads the model again after an error. Raises GovorError."""

GiveUp = Callable[[GovorError], Awaitable[None]]
"""Takes the model out of use: its waiting tasks end with the error."""

log = logging.getLogger(__name__)


class RecoveringWorker:
    """A worker that is replaced when its model is lost. All methods run in the event loop."""

    def __init__(self, worker: Worker, name: str, restart: Callable[[], Awaitable[None]]):
        """`restart` makes all tasks forget the lost model; it is called before that is closed."""
        self.info: RecognizerInfo = worker.info
        self._worker: Worker | None = worker
        self._name = name
        self._restart = restart
        self._reopen: Reopen | None = None
        self._give_up: GiveUp | None = None
        self._calls = 0
        self._alone = 0  # calls that run alone, or wait for it
        self._held: set[WorkerTask] = set()
        self._losses = 0
        self._changed = asyncio.Event()
        self._replacing: asyncio.Task[None] | None = None
        self._loading: asyncio.Future[Worker] | None = None
        self._closed = False

    def recover(self, reopen: Reopen, give_up: GiveUp) -> None:
        """Replace the worker by `reopen` whenever its model is lost; call `give_up` if that is in vain."""
        self._reopen, self._give_up = reopen, give_up

    @property
    def recovers(self) -> bool:
        """Whether calls may be repeated after a loss."""
        return self._reopen is not None and not self._closed

    @property
    def ready(self) -> bool:
        """Whether there is a worker that can be called."""
        return self._replacing is None

    async def until_ready(self) -> None:
        """Wait for the worker that replaces a lost one."""
        await self._until(lambda: self.ready)

    async def run(
        self, tasks: Sequence[WorkerTask], *, urgent: bool = False, alone: bool = False
    ) -> Sequence[Outcome]:
        """Do the next step of each task; `alone`: while no other call runs. See `Worker.run`."""
        self._alone += alone
        try:
            await self._until(lambda: self.ready and (not self._calls if alone else not self._alone))
            self._calls += 1
            try:
                outcomes = await self._call(tasks, urgent=urgent)
            finally:
                self._calls -= 1
        finally:
            self._alone -= alone
            self._changed.set()
        lost = next((outcome for outcome in outcomes if isinstance(outcome, BackendUnavailable)), None)
        if lost is None:
            self._losses = 0
        elif self.recovers and self._replacing is None:
            self._replacing = asyncio.create_task(self._replace(lost), name=f"recover {self._name}")
        return outcomes

    def drop(self, task: WorkerTask) -> None:
        """See `Worker.drop`."""
        if self._worker is not None:
            self._worker.drop(task)

    def hold(self, task: WorkerTask) -> None:
        """Close a task, which may be finished, before the model is closed, unless it is released earlier."""
        self._held.add(task)

    def release(self, task: WorkerTask) -> None:
        """Close a task that was held; none of its steps is running."""
        self._held.discard(task)
        self.drop(task)

    async def close(self, unfinished: Sequence[WorkerTask] = ()) -> None:
        """See `Worker.close`."""
        self._closed = True
        if self._loading is not None:
            self._loading.cancel()
        if self._replacing is not None:
            await asyncio.wait({self._replacing})
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await worker.close([*unfinished, *self._held])

    async def _call(self, tasks: Sequence[WorkerTask], *, urgent: bool) -> Sequence[Outcome]:
        try:
            if self._worker is None:
                raise BackendUnavailable(f"The model '{self._name}' is gone.")
            return await self._worker.run(tasks, urgent=urgent)
        except BackendUnavailable as error:
            return [error] * len(tasks)

    async def _replace(self, lost: GovorError) -> None:
        """Close the worker and load the model again; give it up if that fails, or was in vain before."""
        await self._until(lambda: not self._calls)
        if self._closed or self._reopen is None or self._give_up is None:
            return
        self._losses += 1
        await self._restart()
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close([*self._held])
        if self._closed:
            return
        try:
            if self._losses >= MOST_LOSSES:
                raise lost
            log.warning("The model '%s' was lost and is loaded again: %s", self._name, lost)
            self._loading = asyncio.ensure_future(self._reopen(lost))
            self._worker = await self._loading
        except asyncio.CancelledError:
            return
        except Exception as error:
            log.exception("The model '%s' was lost for good", self._name)
            if not isinstance(error, GovorError):
                error = LoadFailed(f"The model '{self._name}' cannot be loaded again: {reason(error)}")
            await self._give_up(error)
            return
        self._replacing = self._loading = None
        self._changed.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()
