"""Which turns share a call, and what each gets from it. Knows nothing of queues."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from govor.contract.recognition import Recognizer, Segment
from govor.engine.scheduling.tasks import Turn
from govor.errors import GovorError, TranscriptionFailed, reason

PADDING = 0.25
"""How much of a batch's audio may be added to make all its arrays as long as the longest."""

Outcome = list[Segment] | GovorError

log = logging.getLogger(__name__)


def fill_batch(first: Turn, waiting: Sequence[Turn], largest: int) -> list[Turn]:
    """Return `first` and others that go well with it: of equal options and like length, of any request."""
    alike = (turn for turn in waiting if turn is not first and turn.options == first.options)
    by_likeness = sorted(alike, key=lambda turn: (abs(turn.seconds - first.seconds), turn.rank))
    batch, total, longest = [first], first.seconds, first.seconds
    for turn in by_likeness:
        if len(batch) == largest:
            break
        higher, sum_of_all = max(longest, turn.seconds), total + turn.seconds
        if higher * (len(batch) + 1) <= (1 + PADDING) * sum_of_all:
            batch.append(turn)
            longest, total = higher, sum_of_all
    return batch


def work_on(turns: Sequence[Turn], recognizer: Recognizer) -> list[Outcome]:
    """Do the next piece of each turn's work; where a batch fails, one by one. Runs in a worker thread.

    Returns what was raised: a Future of asyncio cannot carry StopIteration, and SystemExit would stop the
    server.
    """
    if len(turns) > 1:
        try:
            segments = recognizer.transcribe([turn.stretch.audio for turn in turns], turns[0].options)
            return [turn.conclude([segment]) for turn, segment in zip(turns, segments, strict=True)]
        except BaseException:  # one of them may be to blame, which the others must not suffer for
            log.exception("The model failed on %d recordings at once; they are tried one by one", len(turns))
    return [[] if turn.cancelled else _work_alone(turn, recognizer) for turn in turns]


def _work_alone(turn: Turn, recognizer: Recognizer) -> Outcome:
    try:
        return turn.step(recognizer)
    except GovorError as error:
        return error
    except BaseException as error:  # a model may raise anything: its client is told, the lane lives
        log.exception("The model failed on %.1f s of audio", turn.seconds)
        return TranscriptionFailed(f"The model failed: {reason(error)}")
