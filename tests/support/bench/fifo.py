"""`govor` with a plain queue, for contrast: whoever came first is served to the end."""

from __future__ import annotations

import math
from itertools import count

from govor.cli import main
from govor.engine.scheduling import scheduler as lane
from govor.engine.scheduling.tasks import Share, Turn

arrivals: dict[Share, int] = {}
numbers = count()


def arrival(turn: Turn) -> tuple[float, float, int]:
    """The rank of a turn: first its request's arrival, then its own."""
    return arrivals.setdefault(turn.share, next(numbers)), 0.0, turn.number


if __name__ == "__main__":
    lane.CREDIT_SECONDS = math.inf  # nobody is passed over for too long, nobody is hurried
    Turn.rank = property(arrival)  # type: ignore[assignment, method-assign]
    main()
