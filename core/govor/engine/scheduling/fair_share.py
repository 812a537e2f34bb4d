"""The audio that a model has done for a request, and for each of its tasks. No threads, no asyncio."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum


@dataclass(slots=True, eq=False)
class FairShare:
    """Seconds of audio that a scheduler has done for one request: the request with the least goes first."""

    seconds: float = 0.0
    length: float = math.inf
    """Seconds of the whole recording, if known: of equals, the shortest goes first."""
    longest: float = math.inf
    """Seconds that the recording can have at most, if its length is not known."""
    done: float = 0.0
    """Seconds of this request that are done or that run, without the credit in `seconds`."""
    passed_over_since: float = 0.0
    """Seconds that the scheduler had done of all requests when it last served this one, or when it came."""
    side_by_side: bool = False
    """Its tasks belong to several channels: the one that is furthest behind goes first, not the oldest."""

    @classmethod
    def of(cls, duration: float | None, longest: float | None = None, channels: int = 1) -> FairShare:
        """Return the share of a recording, or of several channels that are transcribed side by side.

        `duration`: its seconds as stated; `longest`: the most that it can have; None: unknown.
        """
        return cls(
            length=math.inf if duration is None else duration * channels,
            longest=math.inf if longest is None else longest * channels,
            side_by_side=channels > 1,
        )

    @property
    def extent(self) -> float:
        """Seconds of audio that this request takes at least."""
        return max(self.done, self.length if self.length < math.inf else 0.0)


class Priority(IntEnum):
    """Classes of tasks: LIVE goes first, unless a task of another class was passed over for long."""

    LIVE = 0
    NORMAL = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class Urgency:
    """When a task goes, and when it goes no more."""

    priority: Priority = Priority.NORMAL
    deadline: float | None = None
    """Time of the monotonic clock: a task that has not begun by then is dropped."""
    supersede_key: Hashable | None = None
    """A new task replaces the tasks of its request with an equal key that have not begun."""


ORDINARY = Urgency()


class QueueEntry:
    """A task as the queue sees it: its request, its cost, and the tasks that it may share a call with."""

    def __init__(
        self,
        share: FairShare,
        seconds: float,
        *,
        batch_key: Hashable | None = None,
        urgency: Urgency = ORDINARY,
    ):
        """Tasks with equal `batch_key` may share a call; None: the task has a call of its own."""
        self.share = share
        self.seconds = seconds
        self.batch_key = batch_key
        self.urgency = urgency
        self.number = 0
        """Position in the order in which tasks were first submitted."""
        self.begun = False
        """Whether a worker has taken it at least once."""
        self._charged = 0.0

    @property
    def reached(self) -> float:
        """Seconds of its recording up to which it is done. Used only for channels side by side."""
        return 0.0

    @property
    def rank(self) -> tuple[float, ...]:
        """Sort key: the lowest goes first."""
        length = min(self.share.length, self.share.longest)
        reached = self.reached if self.share.side_by_side else 0.0
        return self.urgency.priority, self.share.seconds, length, reached, self.number

    def charge(self, done: float) -> float:
        """Record that `done` seconds of this task are done in all; return the seconds that this adds."""
        more = max(done - self._charged, 0.0)
        self._charged += more
        self.share.seconds += more
        self.share.done += more
        return more
