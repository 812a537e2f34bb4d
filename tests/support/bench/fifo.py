"""`govor` with a plain queue, for comparison: requests are served in order of arrival."""

from __future__ import annotations

import math
from itertools import count

from govor.cli import main
from govor.engine.scheduling import scheduler as scheduler
from govor.engine.scheduling.tasks import FairShare, InferenceTask

admission: dict[FairShare, int] = {}
numbers = count()


def arrival(task: InferenceTask) -> tuple[float, float, int]:
    """Return the rank of a task: first its request's arrival, then its own."""
    return admission.setdefault(task.share, next(numbers)), 0.0, task.number


if __name__ == "__main__":
    scheduler.CREDIT_SECONDS = math.inf  # no client waits too long, and no task is hurried
    InferenceTask.rank = property(arrival)  # type: ignore[assignment, method-assign]
    main()
