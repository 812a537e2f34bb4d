"""What a request has had of a model, and what each of its tasks adds to it. No threads, no asyncio."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum

from govor.audio.decoding.recording import Recording


@dataclass(slots=True, eq=False)
class FairShare:
    """Seconds of audio that a scheduler has done for one request: the request with the least goes first."""

    seconds: float = 0.0
    length: float = math.inf
    """Seconds of the whole recording, as far as known: of equals, the shortest goes first."""
    longest: float = math.inf
    """Seconds that it may have at most, if its length is not known."""
    heard: float = 0.0
    """Seconds that were done, or are being done, of this request."""
    passed_over_since: float = 0.0
    """What the scheduler had done of all requests when it last served this one, or when this one came."""
    side_by_side: bool = False
    """Its tasks are of several channels: the one that is furthest behind goes first, not the oldest."""

    @classmethod
    def of(cls, *recordings: Recording) -> FairShare:
        """Return the account of a recording, or of several channels that are heard side by side."""
        lengths = [each.duration for each in recordings if each.duration is not None]
        longest = [each.longest for each in recordings if each.longest is not None]
        return cls(
            length=sum(lengths) if lengths else math.inf,
            longest=sum(longest) if longest else math.inf,
            side_by_side=len(recordings) > 1,
        )

    @property
    def extent(self) -> float:
        """Seconds that this request takes at least."""
        return max(self.heard, self.length if self.length < math.inf else 0.0)


class Priority(IntEnum):
    """Classes of tasks. A lower one waits for a higher one, unless it has been passed over for long."""

    LIVE = 0
    NORMAL = 1
    BACKGROUND = 2


class QueueEntry:
    """A task as the queue sees it: whose it is, what it costs, what it may share a call with."""

    def __init__(
        self,
        share: FairShare,
        seconds: float,
        *,
        batch_key: Hashable | None = None,
        priority: Priority = Priority.NORMAL,
        deadline: float | None = None,
        supersede_key: Hashable | None = None,
    ):
        """Tasks of equal `batch_key` may share a call; None: it has a call of its own.

        After `deadline`, in seconds of the monotonic clock, a task that has not begun is not worth doing.
        Of one request's tasks with equal `supersede_key`, the newest one takes the place of those before it
        that have not begun.
        """
        self.share = share
        self.seconds = seconds
        self.batch_key = batch_key
        self.priority = priority
        self.deadline = deadline
        self.supersede_key = supersede_key
        self.number = 0
        """In which order the queue's tasks came."""
        self.begun = False
        """A worker has taken it at least once."""
        self._charged = 0.0

    @property
    def reached(self) -> float:
        """Where in its recording it has come to, in seconds. Counts only if channels go side by side."""
        return 0.0

    @property
    def rank(self) -> tuple[float, ...]:
        """The lowest goes first."""
        length = min(self.share.length, self.share.longest)
        reached = self.reached if self.share.side_by_side else 0.0
        return self.priority, self.share.seconds, length, reached, self.number

    def charge(self, heard: float) -> float:
        """Note that the request has had so many seconds of this task; return by how many more."""
        more = max(heard - self._charged, 0.0)
        self._charged += more
        self.share.seconds += more
        self.share.heard += more
        return more
