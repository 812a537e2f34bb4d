"""An executor whose models run in this process, but as if elsewhere: all that goes there is pickled."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from govor.contract.hooks import hookimpl
from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Recognizer
from govor.contract.streaming import Streaming
from govor.contract.workers import Outcome, Progress, WorkerTask, run_tasks

Sent = TypeVar("Sent")


def sent(thing: Sent) -> Sent:
    """Return what arrives if something is sent to another process."""
    received: Sent = pickle.loads(pickle.dumps(thing))
    return received


class RemoteWorker:
    """A model elsewhere. It keeps a copy of each task from the task's first step on."""

    def __init__(self, recognizer: Recognizer | Streaming):
        self.info = recognizer.info
        self.recognizer = recognizer
        self.tasks: dict[int, WorkerTask] = {}

    async def run(self, tasks: Sequence[WorkerTask], *, urgent: bool = False) -> Sequence[Outcome]:
        for task in tasks:
            if task.number not in self.tasks:
                self.tasks[task.number] = sent(task)
        copies = [self.tasks[task.number] for task in tasks]
        outcomes = sent(await asyncio.to_thread(run_tasks, copies, self.recognizer))
        for task, outcome in zip(tasks, outcomes, strict=True):
            if not isinstance(outcome, Progress) or outcome.finished:
                del self.tasks[task.number]
        return outcomes

    def drop(self, task: WorkerTask) -> None:
        if copy := self.tasks.pop(task.number, None):
            copy.close()

    async def close(self, unfinished: Sequence[WorkerTask] = ()) -> None:
        for task in unfinished:
            self.drop(task)
        self.recognizer.close()


class FakeExecutor:
    """The executor, and the plugin that offers it."""

    def __init__(self, *schemes: str, recognizer: Callable[[ModelSpec], Recognizer | Streaming]):
        self.schemes = schemes
        self.failure: Exception | None = None
        self.loads: list[tuple[str, ModelSpec, Path, RuntimeOptions]] = []
        """The arguments of every call of `load`."""
        self.workers: list[RemoteWorker] = []
        self._recognizer = recognizer

    @hookimpl
    def executor(self, settings: Mapping[str, Any]) -> FakeExecutor:
        return self

    async def load(self, plugin: str, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> RemoteWorker:
        self.loads.append(sent((plugin, spec, folder, runtime)))
        if self.failure is not None:
            raise self.failure
        self.workers.append(RemoteWorker(self._recognizer(spec)))
        return self.workers[-1]
