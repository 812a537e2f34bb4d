"""Which tasks share a call, and what each gets from it. Knows nothing of queues."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from govor.contract.recognition import Recognizer, Segment
from govor.engine.scheduling.tasks import InferenceTask
from govor.errors import GovorError, TranscriptionFailed, reason

PADDING = 0.25
"""How much of a batch's audio may be added to make all its arrays as long as the longest."""

Outcome = list[Segment] | GovorError

log = logging.getLogger(__name__)


def fill_batch(first: InferenceTask, waiting: Sequence[InferenceTask], largest: int) -> list[InferenceTask]:
    """Return `first` and others that go well with it: of equal options and like length, of any request."""
    alike = (task for task in waiting if task is not first and task.options == first.options)
    by_likeness = sorted(alike, key=lambda task: (abs(task.seconds - first.seconds), task.rank))
    batch, total, longest = [first], first.seconds, first.seconds
    for task in by_likeness:
        if len(batch) == largest:
            break
        higher, sum_of_all = max(longest, task.seconds), total + task.seconds
        if higher * (len(batch) + 1) <= (1 + PADDING) * sum_of_all:
            batch.append(task)
            longest, total = higher, sum_of_all
    return batch


def work_on(tasks: Sequence[InferenceTask], recognizer: Recognizer) -> list[Outcome]:
    """Do the next piece of each task's work; where a batch fails, one by one. Runs in a worker thread.

    Returns what was raised: a Future of asyncio cannot carry StopIteration, and SystemExit would stop the
    server.
    """
    if len(tasks) > 1:
        try:
            segments = recognizer.transcribe([task.chunk.audio for task in tasks], tasks[0].options)
            return [task.conclude([segment]) for task, segment in zip(tasks, segments, strict=True)]
        except BaseException:  # one of them may be to blame, which the others must not suffer for
            log.exception("The model failed on %d recordings at once; they are tried one by one", len(tasks))
    return [[] if task.cancelled else _work_alone(task, recognizer) for task in tasks]


def _work_alone(task: InferenceTask, recognizer: Recognizer) -> Outcome:
    try:
        return task.step(recognizer)
    except GovorError as error:
        return error
    except BaseException as error:  # a model may raise anything: its client is told, the scheduler lives
        log.exception("The model failed on %.1f s of audio", task.seconds)
        return TranscriptionFailed(f"The model failed: {reason(error)}")
