"""The contract between the scheduler of a loaded model and the worker that runs it: in threads, or elsewhere.

Knows nothing of queues, files or HTTP.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import RecognizerInfo
from govor.contract.results import Segment
from govor.errors import BackendUnavailable, GovorError, TranscriptionFailed, reason

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """The result of one step of a task."""

    segments: Sequence[Segment] = ()
    """The segments that the model has found, with times of the recording."""
    done: float = 0.0
    """Seconds of the task that are done in all."""
    finished: bool = False
    """Whether this was the task's last step."""
    answer: object = None
    """The result of a call that returns something other than segments."""


Outcome: TypeAlias = Progress | GovorError
"""The result of a step, or the error that it ended with."""


class WorkerTask(Protocol):
    """One piece of work for a loaded model, done step by step. It can be pickled before its first step.

    A worker in another process sends it there for its first step, keeps the copy there, and for later steps
    needs only its `number`.
    """

    number: int
    """Distinguishes it from all other tasks of this server."""
    seconds: float
    """Seconds of audio; 0: unknown, or none."""
    cancelled: bool
    """Whether nobody waits for it any more."""

    def step(self, model: Any) -> Progress:
        """Do the next step with the loaded model. Raises what the model raises."""
        ...

    def step_together(self, tasks: Sequence[Any], model: Any) -> Sequence[Progress]:
        """Do the only step of several tasks of this kind in one call; return the results in their order."""
        ...

    def close(self) -> None:
        """Give up what is left of it, where its steps were done. Does not raise."""
        ...


class Worker(Protocol):
    """A loaded model, and the threads, process or machine in which it runs. Called in the event loop."""

    @property
    def info(self) -> RecognizerInfo:
        """The statement of the model about itself; it does not change."""
        ...

    async def run(self, tasks: Sequence[WorkerTask], *, urgent: bool = False) -> Sequence[Outcome]:
        """Do the next step of each task, in one call if there are several; return the outcomes in order.

        At most `info.parallel` calls run at once, and `info.surplus` more that are `urgent`. If the caller is
        cancelled, the call goes on. Raises BackendUnavailable, or returns it as an outcome, if the model must
        be loaded again.
        """
        ...

    def drop(self, task: WorkerTask) -> None:
        """Close a task that gets no further step; none of its steps is running. Does not raise."""
        ...

    async def close(self, unfinished: Sequence[WorkerTask] = ()) -> None:
        """Wait for the calls that run, close the unfinished tasks, free the model. Does not raise."""
        ...


class Executor(Protocol):
    """Runs models elsewhere than in the server: in other processes, on other machines."""

    @property
    def schemes(self) -> Sequence[str]:
        """The devices that it runs, each as the part of the setting `device` before the colon."""
        ...

    async def load(self, plugin: str, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> Worker:
        """Let a plugin load a model, as `Backend.load`, and return the worker that calls it.

        `runtime.device` is the whole setting, as "ray:gpu". All arguments can be pickled. Called in the event
        loop; may take minutes. Raises LoadFailed. If the caller is cancelled, nothing may stay loaded.
        """
        ...


def run_tasks(tasks: Sequence[WorkerTask], model: Any) -> list[Outcome]:
    """Do the next step of each task; if a joint call fails, do the tasks one by one. For `Worker.run`.

    Runs where the model is, in a thread that may block. Errors are returned, not raised: a Future of asyncio
    cannot carry StopIteration, and SystemExit would stop the server. Once the model is lost, no task is tried
    any more.
    """
    if len(tasks) > 1:
        try:
            return list(tasks[0].step_together(tasks, model))
        except BackendUnavailable as error:
            return [error] * len(tasks)
        except BaseException:  # one recording may be at fault: the others still get their text
            log.exception("The model failed on %d recordings at once; they are tried one by one", len(tasks))
    outcomes: list[Outcome] = []
    for task in tasks:
        lost = outcomes[-1] if outcomes and isinstance(outcomes[-1], BackendUnavailable) else None
        outcomes.append(lost or (Progress() if task.cancelled else _step(task, model)))
    return outcomes


def _step(task: WorkerTask, model: Any) -> Outcome:
    try:
        return task.step(model)
    except GovorError as error:
        return error
    except BaseException as error:  # a model may raise anything; the scheduler must go on
        log.exception("The model failed on %.1f s of audio", task.seconds)
        return TranscriptionFailed(f"The model failed: {reason(error)}")
