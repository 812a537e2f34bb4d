"""One call of a model for the tasks that share it, and what each gets from it. Knows nothing of queues."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from govor.contract.recognition import Recognizer, Segment
from govor.engine.scheduling.tasks import Task
from govor.errors import GovorError, TranscriptionFailed, reason

Outcome = list[Segment] | GovorError

log = logging.getLogger(__name__)


def work_on(tasks: Sequence[Task], recognizer: Recognizer) -> list[Outcome]:
    """Do the next piece of each task's work; if a batch fails, one by one. Runs in a worker thread.

    Returns what was raised: a Future of asyncio cannot carry StopIteration, and SystemExit would stop the
    server.
    """
    if len(tasks) > 1:
        work = [task.work for task in tasks]
        try:
            segments = recognizer.transcribe([each.chunk.audio for each in work], work[0].options)
            return [each.conclude([segment]) for each, segment in zip(work, segments, strict=True)]
        except BaseException:  # one of them may be to blame, which the others must not suffer for
            log.exception("The model failed on %d recordings at once; they are tried one by one", len(tasks))
    return [[] if task.cancelled else _work_alone(task, recognizer) for task in tasks]


def _work_alone(task: Task, recognizer: Recognizer) -> Outcome:
    try:
        return task.work.step(recognizer)
    except GovorError as error:
        return error
    except BaseException as error:  # a model may raise anything; the scheduler lives on
        log.exception("The model failed on %.1f s of audio", task.seconds)
        return TranscriptionFailed(f"The model failed: {reason(error)}")
