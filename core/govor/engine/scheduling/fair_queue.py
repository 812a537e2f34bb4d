"""Decides which tasks a worker takes next. Pure: no threads, no asyncio, no clock, no model.

- The request with the fewest seconds of audio done goes first; of equals, the shortest.
- A new request begins at most `CREDIT_SECONDS` below the request that was served last.
- If a request was not served while `CREDIT_SECONDS` times the number of requests were done, it goes first.
- Tasks that may share a call with the first task join it if their length is similar.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Generic, TypeVar

from govor.engine.scheduling.fair_share import QueueEntry

CREDIT_SECONDS = 60.0
"""Seconds of audio by which a new request may be ahead of others: a voice message goes before a recording of
hours, but neither a second recording of ten hours nor an endless row of voice messages delays the first
recording for hours."""

PADDING = 0.25
"""Share of a batch's audio that may be added to make all its arrays as long as the longest."""

Entry = TypeVar("Entry", bound=QueueEntry)


class FairQueue(Generic[Entry]):
    """The tasks of one model: those that wait and those that run."""

    def __init__(self, batch: int = 1, *, batch_seconds: float = math.inf, charges_ahead: bool = True):
        """A call takes up to `batch` tasks, and of several tasks `batch_seconds` of padded audio.

        If `charges_ahead`, a task counts as done as soon as a worker takes it, because other workers choose
        while it runs; otherwise the seconds of it count that are done.
        """
        self._batch = batch
        self._batch_seconds = batch_seconds
        self._charges_ahead = charges_ahead
        self._numbers = count()
        self._level = 0.0  # share of the request that was served last
        self._done = 0.0  # seconds of audio of all requests
        self.waiting: list[Entry] = []
        """Tasks that no worker has, in the order in which they were submitted or put back."""
        self.running: set[Entry] = set()
        """Tasks that workers have."""

    @property
    def entries(self) -> Iterator[Entry]:
        """All tasks."""
        return chain(self.waiting, self.running)

    @property
    def is_pressed(self) -> bool:
        """Whether a request waits that has had nothing yet; of a long one only the first step counts."""
        return any(
            not entry.share.done and (not entry.begun or entry.share.extent <= CREDIT_SECONDS)
            for entry in self.waiting
        )

    @property
    def is_background(self) -> bool:
        """Whether something runs, and all of it belongs to requests of more than `CREDIT_SECONDS`."""
        return bool(self.running) and all(entry.share.extent > CREDIT_SECONDS for entry in self.running)

    def submit(self, entry: Entry) -> list[Entry]:
        """Queue a task for its first or its next step; return the tasks that it supersedes."""
        superseded = self._supersede(entry)
        if not entry.begun:
            entry.number = next(self._numbers)
            if all(entry.share is not each.share for each in self.entries):
                entry.share.passed_over_since = self._done
        entry.share.seconds = max(entry.share.seconds, self._level - CREDIT_SECONDS)
        self.waiting.append(entry)
        return superseded

    def take(self) -> list[Entry]:
        """Return the next task and those that share its call; they run now. Empty: no task waits."""
        if not self.waiting:
            return []
        latest = self._done - CREDIT_SECONDS * len({entry.share for entry in self.entries})
        first = min(self.waiting, key=lambda entry: (entry.share.passed_over_since >= latest, entry.rank))
        taken = (
            fill_batch(first, self.waiting, self._batch, self._batch_seconds) if self._batch > 1 else [first]
        )
        self._level = max(self._level, first.share.seconds)
        for entry in taken:
            self.waiting.remove(entry)
            self.running.add(entry)
            entry.begun = True
            if self._charges_ahead:
                self._done += entry.charge(entry.seconds)
            entry.share.passed_over_since = self._done
        return taken

    def settle(self, entry: Entry, done: float) -> None:
        """Record that a step of a task has ended, and that `done` seconds of the task are done in all."""
        self.running.discard(entry)
        self._done += entry.charge(done)

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Queue tasks again whose step was not done."""
        self.running.difference_update(entries)
        self.waiting += entries

    def withdraw(self, entry: Entry) -> bool:
        """Remove a task that waits; return False if it does not wait."""
        if entry not in self.waiting:
            return False
        self.waiting.remove(entry)
        return True

    def expire(self, now: float) -> list[Entry]:
        """Remove the tasks that have not begun by their deadline; return them."""
        late = [
            entry
            for entry in self.waiting
            if not entry.begun and entry.urgency.deadline is not None and entry.urgency.deadline <= now
        ]
        self._forget(late)
        return late

    def clear(self) -> list[Entry]:
        """Remove all tasks that wait; return them."""
        forgotten, self.waiting = self.waiting, []
        return forgotten

    def _supersede(self, entry: Entry) -> list[Entry]:
        key = entry.urgency.supersede_key
        if key is None or entry.begun:
            return []
        older = [
            each
            for each in self.waiting
            if each.share is entry.share and each.urgency.supersede_key == key and not each.begun
        ]
        self._forget(older)
        return older

    def _forget(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.waiting.remove(entry)


def fill_batch(
    first: Entry, waiting: Sequence[Entry], largest: int, most_seconds: float = math.inf
) -> list[Entry]:
    """Return `first` and the tasks that join its call: same batch key, similar length, any request.

    They are at most `largest`, and their number times the longest of them at most `most_seconds`.
    """
    if first.batch_key is None:
        return [first]
    alike = [each for each in waiting if each is not first and each.batch_key == first.batch_key]
    alike.sort(key=lambda entry: (abs(entry.seconds - first.seconds), entry.rank))
    batch, total, longest = [first], first.seconds, first.seconds
    for entry in alike:
        if len(batch) == largest:
            break
        higher, sum_of_all = max(longest, entry.seconds), total + entry.seconds
        padded = higher * (len(batch) + 1)
        if padded <= min((1 + PADDING) * sum_of_all, most_seconds):
            batch.append(entry)
            longest, total = higher, sum_of_all
    return batch
