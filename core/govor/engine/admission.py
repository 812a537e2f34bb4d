"""Who may come in: how many requests, how much audio, how many of one client. Knows nothing of HTTP.

All methods run in the event loop.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from govor.errors import RateLimited, ServerBusy

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


class Place:
    """What one request takes up, from its admission until it leaves."""

    def __init__(self, admission: Admission, client: str, wait: float, *, patient: bool):
        self._admission = admission
        self.client = client
        self.wait = wait
        """Seconds that the first piece of work may take to begin; 0: any number."""
        self.patient = patient
        self.seconds = 0.0

    def weigh(self, seconds: float | None) -> None:
        """State how much audio it is. Raises ServerBusy where there is too much already."""
        self._admission.weigh(self, seconds or 0.0)

    def hurry(self) -> None:
        """Be patient no more: no queue elsewhere takes it. Raises ServerBusy, RateLimited."""
        if self.patient:
            self._admission.hurry(self)

    def retry_after(self) -> float:
        """Seconds until it would be worked on, had it come later."""
        return self._admission.retry_after()


class Admission:
    """The door of one server."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic):
        self.limits = limits
        """They may change while there are places taken."""
        self._clock = clock
        self._places: set[Place] = set()
        self._clients: Counter[str] = Counter()
        self._pace: deque[float] = deque(maxlen=REMEMBERED)
        self._last = 0.0  # when somebody left last, or came into the empty house
        self._promised = 0.0  # when the last one who was sent away was asked back

    @property
    def inside(self) -> int:
        """Requests that wait or are worked on."""
        return len(self._places)

    def check(self, client: str, own: int = 0) -> None:
        """Raise what `admit` would, so that nobody uploads in vain; `own` places do not count."""
        inside, of_client = self.inside - own, self._clients[client] - own
        if 0 < self.limits.requests <= inside:
            raise ServerBusy(
                f"The server has {inside} transcriptions under way and takes no more.",
                retry_after=self.retry_after(),
            )
        if 0 < self.limits.per_client <= of_client:
            raise RateLimited(
                f"You have {of_client} transcriptions under way and may have no more.",
                retry_after=self.retry_after(),
            )

    def hurry(self, place: Place) -> None:
        """Treat one that was patient like all others. Raises ServerBusy, RateLimited."""
        self.check(place.client, own=1)
        place.patient, place.wait = False, self.limits.wait

    @contextmanager
    def admit(self, client: str = "", *, patient: bool = False) -> Iterator[Place]:
        """Take a place until the block ends; who is `patient` is neither refused nor timed out.

        Raises ServerBusy, RateLimited.
        """
        if not patient:
            self.check(client)
        if not self._places:
            self._last = self._clock()
        place = Place(self, client, 0.0 if patient else self.limits.wait, patient=patient)
        self._places.add(place)
        self._clients[client] += 1
        try:
            yield place
        finally:
            self._leave(place)

    def weigh(self, place: Place, seconds: float) -> None:
        """Put a place's audio into the account; whoever is alone may bring any length. Raises ServerBusy."""
        others = sum(other.seconds for other in self._places if other is not place)
        alone = not others or not seconds  # of unknown length
        if not place.patient and not alone and 0 < self.limits.seconds < others + seconds:
            raise ServerBusy(
                f"The server has {others:.0f} seconds of audio under way; this recording would make it more "
                f"than the {self.limits.seconds:g} that it takes.",
                retry_after=self.retry_after(),
            )
        place.seconds = seconds

    def retry_after(self) -> float:
        """Seconds until a place should be free that nobody else was told of."""
        pace = sum(self._pace) / len(self._pace) if self._pace else FIRST_GUESS
        now = self._clock()
        self._promised = min(max(self._promised, now) + pace, now + LONGEST)
        return max(self._promised - now, SHORTEST)

    def _leave(self, place: Place) -> None:
        self._places.discard(place)
        self._clients[place.client] -= 1
        if not self._clients[place.client]:
            del self._clients[place.client]
        now = self._clock()
        self._pace.append(now - self._last)
        self._last = now
