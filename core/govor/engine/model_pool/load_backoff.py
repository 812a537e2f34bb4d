"""The last failure of each model that did not load, and the pause until the next attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from govor.errors import BackendUnavailable, DownloadFailed, GovorError, LoadFailed

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
"""The pause doubles with each failure: a damaged file must not be read again for every request."""


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """The last failure of one model; `until` is when its pause ends, by the monotonic clock."""

    error: GovorError
    count: int
    until: float


class LoadBackoff:
    """The last failure of each model, until the model loads."""

    def __init__(self, pause: float = FIRST_PAUSE_SECONDS, clock: Callable[[], float] = time.monotonic):
        self._pause = pause
        self._clock = clock
        self._last: dict[str, LoadFailure] = {}

    def reason(self, name: str) -> str | None:
        """Return why the last attempt failed; None: it did not fail."""
        failure = self._last.get(name)
        return str(failure.error) if failure else None

    def add(self, name: str, error: GovorError) -> None:
        """Record a failure. Errors that do not concern the model, such as a stop, are ignored."""
        if not isinstance(error, BackendUnavailable | LoadFailed | DownloadFailed):
            return
        count = self._last[name].count + 1 if name in self._last else 1
        pause = min(self._pause * 2 ** (count - 1), LONGEST_PAUSE_SECONDS)
        self._last[name] = LoadFailure(error, count, self._clock() + pause)

    def forget(self, name: str) -> None:
        """Forget the failure, so that the next request tries at once."""
        self._last.pop(name, None)

    def check(self, name: str) -> None:
        """Raise the last failure again while its pause lasts."""
        failure = self._last.get(name)
        if failure and (left := failure.until - self._clock()) > 0:
            again = copy(failure.error)  # one object would gather the frames of every raise
            if isinstance(again, BackendUnavailable):
                again.retry_after = left
            raise again

    def check_last(self, name: str) -> None:
        """Raise the last failure again, unless the model has loaded since."""
        if failure := self._last.get(name):
            raise copy(failure.error)
