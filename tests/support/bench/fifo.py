"""`govor` with a plain queue, for comparison: requests are served in order of arrival."""

from __future__ import annotations

import math
from itertools import count

from govor.cli import main
from govor.engine.scheduling import fair_queue
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.tasks import Task

admission: dict[FairShare, int] = {}
numbers = count()


def arrival(task: Task) -> tuple[float, float, int]:
    """Return the rank of a task: first its request's arrival, then its own."""
    return admission.setdefault(task.share, next(numbers)), 0.0, task.number


if __name__ == "__main__":
    fair_queue.CREDIT_SECONDS = math.inf  # no client waits too long, and no task is hurried
    Task.rank = property(arrival)  # type: ignore[assignment, method-assign]
    main()
