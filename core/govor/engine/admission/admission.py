"""Who may come in: how many requests, how much audio, how many of one client. Knows nothing of HTTP.

All methods run in the event loop.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum

from govor.errors import RateLimited, ServerBusy
from govor.settings import Settings

REMEMBERED = 16
"""Requests that have left last; their pace is the queue's."""

FIRST_GUESS = 5.0
"""Seconds from one leaving to the next, as long as nobody has left."""

SHORTEST, LONGEST = 1.0, 120.0
"""Seconds until a client is asked back. OpenAI's SDK does not heed more than two minutes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is let in at most; 0: any number."""

    requests: int = 0
    """Requests at once, those that wait and those that are worked on."""
    seconds: float = 0.0
    """Seconds of audio of all requests at once, as far as the containers tell."""
    per_client: int = 0
    """Requests of one client at once."""
    wait: float = 0.0
    """Seconds that a request may wait for its first piece of work, the loading of the model apart."""
    fetches: int = 0
    """Recordings that are fetched from addresses at once."""


def limits_of(settings: Settings, fetches: int) -> Limits:
    """Return the operator's limits."""
    return Limits(
        settings.max_queue,
        settings.max_queue_seconds,
        settings.max_requests_per_client,
        settings.max_wait_seconds,
        fetches,
    )


class Kind(Enum):
    """What somebody comes for. Each kind is counted apart, so that none keeps another out."""

    PLAIN = "transcriptions"
    """To be answered now."""
    LATER = "uploads of jobs"
    """To leave a recording, which waits in a queue elsewhere: as many at once as of plain ones."""
    JOB = "jobs"
    """To be worked on, having waited elsewhere: any number."""


class AdmissionTicket:
    """What one request takes up, from its admission until it leaves."""

    def __init__(self, admission: Admission, client: str, kind: Kind, wait: float):
        self._admission = admission
        self.client = client
        self.kind = kind
        self.wait = wait
        """Seconds that the first piece of work may take to begin; 0: any number."""
        self.seconds = 0.0

    def weigh(self, seconds: float | None) -> None:
        """State how much audio it is. Raises ServerBusy where there is too much already."""
        self._admission.weigh(self, seconds or 0.0)

    def make_interactive(self) -> None:
        """Be answered now: no queue elsewhere takes it. Raises ServerBusy, RateLimited."""
        if self.kind is not Kind.PLAIN:
            self._admission.make_interactive(self)

    def fetching(self) -> AbstractContextManager[None]:
        """Give the place up for the block, which fetches a recording, and take one again.

        Raises ServerBusy or RateLimited: before it where as many are fetched as may be, after it where others
        have taken all places.
        """
        return self._admission.fetching(self)

    def retry_after(self) -> float:
        """Seconds until it would be worked on, had it come later."""
        return self._admission.retry_after()


class Admission:
    """The door of one server."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic):
        self.limits = limits
        """They may change while there are places taken."""
        self._clock = clock
        self._places: set[AdmissionTicket] = set()
        self._counts: Counter[Kind] = Counter()
        self._clients: Counter[tuple[Kind, str]] = Counter()
        self._fetching: Counter[str] = Counter()
        self._pace: deque[float] = deque(maxlen=REMEMBERED)
        self._last = 0.0  # when somebody left last, or came into the empty house
        self._promised = 0.0  # when the last one who was sent away was asked back

    @property
    def inside(self) -> int:
        """Requests and jobs that wait or are worked on."""
        return len(self._places)

    @property
    def full(self) -> bool:
        """Whoever wants to be answered now is refused."""
        return 0 < self.limits.requests <= self._counts[Kind.PLAIN]

    def check(self, client: str, kind: Kind = Kind.PLAIN) -> None:
        """Raise what `admit` would, so that nobody uploads in vain."""
        if kind is Kind.JOB:
            return
        if 0 < self.limits.requests <= self._counts[kind]:
            raise self._busy(f"has {self._counts[kind]} {kind.value} under way")
        self._check_client(f"{kind.value} under way", self._clients[kind, client])

    @contextmanager
    def admit(self, client: str = "", kind: Kind = Kind.PLAIN) -> Iterator[AdmissionTicket]:
        """Take a place until the block ends; only who is to be answered now is timed out.

        Raises ServerBusy, RateLimited.
        """
        self.check(client, kind)
        ticket = AdmissionTicket(self, client, kind, self.limits.wait if kind is Kind.PLAIN else 0.0)
        self._enter(ticket)
        try:
            yield ticket
        finally:
            self._leave(ticket)

    def make_interactive(self, ticket: AdmissionTicket) -> None:
        """Treat one that came to leave a recording like all others. Raises ServerBusy, RateLimited."""
        self.check(ticket.client)
        self._leave(ticket)
        ticket.kind, ticket.wait = Kind.PLAIN, self.limits.wait
        self._enter(ticket)

    @contextmanager
    def fetching(self, ticket: AdmissionTicket) -> Iterator[None]:
        """What `AdmissionTicket.fetching` says."""
        count = self._fetching.total()
        if 0 < self.limits.fetches <= count:
            raise self._busy(f"fetches {count} recordings from addresses")
        self._check_client("recordings fetched", self._fetching[ticket.client])
        self._leave(ticket)
        self._fetching[ticket.client] += 1
        try:
            yield
        finally:
            self._fetching[ticket.client] -= 1
            self._fetching += Counter()  # forgets who fetches nothing
        self.check(ticket.client, ticket.kind)
        self._enter(ticket)

    def weigh(self, ticket: AdmissionTicket, seconds: float) -> None:
        """Put a place's audio into the account; whoever is alone may bring any length. Raises ServerBusy."""
        plain = (other for other in self._places if other.kind is Kind.PLAIN)
        others = sum(other.seconds for other in plain if other is not ticket)
        alone = not others or not seconds  # of unknown length
        if ticket.kind is Kind.PLAIN and not alone and 0 < self.limits.seconds < others + seconds:
            raise ServerBusy(
                f"The server has {others:.0f} seconds of audio under way; this recording would make it more "
                f"than the {self.limits.seconds:g} that it takes.",
                retry_after=self.retry_after(),
            )
        ticket.seconds = seconds

    def retry_after(self) -> float:
        """Seconds until a place should be free that nobody else was told of."""
        pace = sum(self._pace) / len(self._pace) if self._pace else FIRST_GUESS
        now = self._clock()
        self._promised = min(max(self._promised, now) + pace, now + LONGEST)
        return max(self._promised - now, SHORTEST)

    def _busy(self, why: str) -> ServerBusy:
        return ServerBusy(f"The server {why} and takes no more.", retry_after=self.retry_after())

    def _check_client(self, what: str, count: int) -> None:
        if 0 < self.limits.per_client <= count:
            raise RateLimited(
                f"You have {count} {what} and may have no more.", retry_after=self.retry_after()
            )

    def _enter(self, ticket: AdmissionTicket) -> None:
        if not self._counts[Kind.PLAIN]:
            self._last = self._clock()
        self._places.add(ticket)
        self._counts[ticket.kind] += 1
        self._clients[ticket.kind, ticket.client] += 1

    def _leave(self, ticket: AdmissionTicket) -> None:
        """Give a place back; who gave it up before has none."""
        if ticket not in self._places:
            return
        self._places.discard(ticket)
        self._counts[ticket.kind] -= 1
        self._clients[ticket.kind, ticket.client] -= 1
        if not self._clients[ticket.kind, ticket.client]:
            del self._clients[ticket.kind, ticket.client]
        if ticket.kind is Kind.PLAIN:
            now = self._clock()
            self._pace.append(now - self._last)
            self._last = now
