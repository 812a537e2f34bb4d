"""Limits the requests under way, their audio, and the requests of one client. Knows nothing of HTTP.

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
"""Number of finished requests whose intervals give the pace of the queue."""

FIRST_GUESS = 5.0
"""Seconds from the end of one request to the end of the next, as long as none has ended."""

SHORTEST, LONGEST = 1.0, 120.0
"""Bounds of Retry-After, in seconds. OpenAI's SDK ignores more than two minutes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of admission; 0: no limit."""

    requests: int = 0
    """Requests at once, both those that wait and those that run."""
    seconds: float = 0.0
    """Seconds of audio of all requests at once, if their containers state them."""
    per_client: int = 0
    """Requests of one client at once."""
    wait: float = 0.0
    """Seconds that a request may wait for its first task to begin, without the loading of the model."""
    fetches: int = 0
    """Recordings that are fetched from URLs at once."""


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
    """Kinds of requests. Each kind is counted by itself, so that none uses up the limit of another."""

    PLAIN = "transcriptions"
    """A client waits for the answer."""
    LATER = "uploads of jobs"
    """An upload whose recording waits in the queue of jobs: as many at once as of plain requests."""
    JOB = "jobs"
    """A job that has waited in its own queue: any number."""


class AdmissionTicket:
    """Permission of one request to be worked on, valid until the request ends."""

    def __init__(self, admission: Admission, client: str, kind: Kind, wait: float):
        self._admission = admission
        self.client = client
        self.kind = kind
        self.wait = wait
        """Seconds within which the first task must begin; 0: no limit."""
        self.seconds = 0.0

    def weigh(self, seconds: float | None) -> None:
        """State the seconds of audio; None: unknown. Raises ServerBusy if there is too much audio already."""
        self._admission.weigh(self, seconds or 0.0)

    def answer_now(self) -> None:
        """Turn an upload of a job into a request that is answered now. Raises ServerBusy, RateLimited."""
        if self.kind is not Kind.PLAIN:
            self._admission.answer_now(self)

    def fetching(self) -> AbstractContextManager[None]:
        """Give the ticket back for the block, which fetches a recording, and take it again afterwards.

        Raises ServerBusy or RateLimited: before the block if too many recordings are being fetched, after it
        if other requests have taken all tickets.
        """
        return self._admission.fetching(self)

    def retry_after(self) -> float:
        """Return the seconds after which a refused client should try again."""
        return self._admission.retry_after()


class Admission:
    """The limits of one server, and the requests that count against them."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic):
        self.limits = limits
        """They may change while requests are under way."""
        self._clock = clock
        self._tickets: set[AdmissionTicket] = set()
        self._counts: Counter[Kind] = Counter()
        self._clients: Counter[tuple[Kind, str]] = Counter()
        self._fetching: Counter[str] = Counter()
        self._pace: deque[float] = deque(maxlen=REMEMBERED)
        self._last = 0.0  # when a request last ended, or was admitted while there was none
        self._promised = 0.0  # the time at which the last refused client should try again

    @property
    def inside(self) -> int:
        """Requests and jobs that wait or run."""
        return len(self._tickets)

    @property
    def full(self) -> bool:
        """Whether a new plain request would be refused."""
        return 0 < self.limits.requests <= self._counts[Kind.PLAIN]

    def check(self, client: str, kind: Kind = Kind.PLAIN) -> None:
        """Raise what `admit` would raise, so that a client learns it before the upload."""
        if kind is Kind.JOB:
            return
        if 0 < self.limits.requests <= self._counts[kind]:
            raise self._busy(f"has {self._counts[kind]} {kind.value} under way")
        self._check_client(f"{kind.value} under way", self._clients[kind, client])

    @contextmanager
    def admit(self, client: str = "", kind: Kind = Kind.PLAIN) -> Iterator[AdmissionTicket]:
        """Yield a ticket that is valid until the block ends; only plain requests have a time limit.

        Raises ServerBusy, RateLimited.
        """
        self.check(client, kind)
        ticket = AdmissionTicket(self, client, kind, self.limits.wait if kind is Kind.PLAIN else 0.0)
        self._enter(ticket)
        try:
            yield ticket
        finally:
            self._leave(ticket)

    def answer_now(self, ticket: AdmissionTicket) -> None:
        """Turn the ticket of an upload into one of a plain request. Raises ServerBusy, RateLimited."""
        self.check(ticket.client)
        self._leave(ticket)
        ticket.kind, ticket.wait = Kind.PLAIN, self.limits.wait
        self._enter(ticket)

    @contextmanager
    def fetching(self, ticket: AdmissionTicket) -> Iterator[None]:
        """See `AdmissionTicket.fetching`."""
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
            self._fetching += Counter()  # drops clients that fetch nothing
        self.check(ticket.client, ticket.kind)
        self._enter(ticket)

    def weigh(self, ticket: AdmissionTicket, seconds: float) -> None:
        """Count a request's audio. If no other audio is under way, any length is taken. Raises ServerBusy."""
        plain = (other for other in self._tickets if other.kind is Kind.PLAIN)
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
        """Return the seconds until a ticket should be free. Each caller gets a time of its own."""
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
        self._tickets.add(ticket)
        self._counts[ticket.kind] += 1
        self._clients[ticket.kind, ticket.client] += 1

    def _leave(self, ticket: AdmissionTicket) -> None:
        """Give a ticket back, unless it was given back before."""
        if ticket not in self._tickets:
            return
        self._tickets.discard(ticket)
        self._counts[ticket.kind] -= 1
        self._clients[ticket.kind, ticket.client] -= 1
        if not self._clients[ticket.kind, ticket.client]:
            del self._clients[ticket.kind, ticket.client]
        if ticket.kind is Kind.PLAIN:
            now = self._clock()
            self._pace.append(now - self._last)
            self._last = now
