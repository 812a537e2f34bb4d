"""How long a request waits for its first piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from govor.engine.scheduling.admission import Place
from govor.engine.scheduling.tasks import Turn
from govor.errors import QueueTimeout


class Patience:
    """Runs out for the first turn of a request, on whichever model. In the event loop."""

    def __init__(self, place: Place):
        self._place = place
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, turn: Turn, cancel: Callable[[Turn], None]) -> None:
        """Have a turn wait no longer than its request may, if it is the first; `cancel` is its lane's."""
        if self._place.wait and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._place.wait, self._give_up, turn, cancel)

    def close(self) -> None:
        """There is nothing more to wait for."""
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self, turn: Turn, cancel: Callable[[Turn], None]) -> None:
        """Tell a request that its first turn has not come in time."""
        if not turn.begun and not turn.cancelled:
            cancel(turn)
            message = f"The request has waited {self._place.wait:g} seconds for its turn."
            turn.end(QueueTimeout(message, retry_after=self._place.retry_after()))
