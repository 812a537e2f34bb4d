"""One call of a model for the tasks that share it, and the result of each. Knows nothing of queues."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from govor.contract.recognition import Recognizer, Segment
from govor.engine.scheduling.tasks import Task
from govor.engine.scheduling.work import SILENCE
from govor.errors import GovorError, TranscriptionFailed, reason

Outcome = list[Segment] | GovorError

log = logging.getLogger(__name__)


def work_on(tasks: Sequence[Task], recognizer: Recognizer) -> list[Outcome]:
    """Do the next step of each task; if a batch fails, do its tasks one by one. Runs in a worker thread.

    Errors are returned, not raised: a Future of asyncio cannot carry StopIteration, and SystemExit would
    stop the server.
    """
    if len(tasks) > 1:
        work = [task.work for task in tasks]
        try:
            found = recognizer.transcribe([each.chunk.audio for each in work], work[0].options)
            return [
                each.conclude(own if len(own) else [SILENCE]) for each, own in zip(work, found, strict=True)
            ]
        except BaseException:  # one recording may be at fault: the others still get their text
            log.exception("The model failed on %d recordings at once; they are tried one by one", len(tasks))
    return [[] if task.cancelled else _work_alone(task, recognizer) for task in tasks]


def _work_alone(task: Task, recognizer: Recognizer) -> Outcome:
    try:
        return task.work.step(recognizer)
    except GovorError as error:
        return error
    except BaseException as error:  # a model may raise anything; the scheduler must go on
        log.exception("The model failed on %.1f s of audio", task.seconds)
        return TranscriptionFailed(f"The model failed: {reason(error)}")
