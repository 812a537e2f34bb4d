"""A worker that runs a model in threads of this process. Knows nothing of queues."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from govor.contract.recognizers import Loaded
from govor.contract.workers import Outcome, WorkerTask, run_tasks
from govor.engine.workers.thread_priority import lower_thread_priority

log = logging.getLogger(__name__)


class ThreadWorker:
    """See `contract.workers.Worker`."""

    def __init__(self, model: Loaded, name: str):
        """`name` is that of the model, for the names of the threads."""
        self.info = model.info
        self.model = model
        surplus = self.info.surplus
        self._threads = ThreadPoolExecutor(
            self.info.parallel, f"govor-{name}", lower_thread_priority if surplus else None
        )
        self._urgent = ThreadPoolExecutor(max(1, surplus), f"govor-{name}-urgent")

    async def run(self, tasks: Sequence[WorkerTask], *, urgent: bool = False) -> list[Outcome]:
        threads = self._urgent if urgent else self._threads
        return await asyncio.get_running_loop().run_in_executor(threads, run_tasks, tasks, self.model)

    def drop(self, task: WorkerTask) -> None:
        self._threads.submit(task.close)

    async def close(self, unfinished: Sequence[WorkerTask] = ()) -> None:
        await asyncio.to_thread(self._free, unfinished)

    def _free(self, unfinished: Sequence[WorkerTask]) -> None:
        self._threads.shutdown()
        self._urgent.shutdown()
        for task in unfinished:
            task.close()
        try:
            self.model.close()
        except BaseException:  # the server goes on to free the other models
            log.exception("A model failed while it was freed")
