"""How long a request waits for its first piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from govor.engine.admission.admission import AdmissionTicket
from govor.engine.scheduling.tasks import Task
from govor.errors import QueueTimeout


class QueueTimer:
    """Cancels a request whose first task has not begun within `wait` seconds. In the event loop."""

    def __init__(self, ticket: AdmissionTicket):
        self._ticket = ticket
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: Task, cancel: Callable[[Task], None]) -> None:
        """Cancel a task that waits longer than its request may, if it is the first of the request.

        `cancel` is its scheduler's.
        """
        if self._ticket.wait and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._ticket.wait, self._give_up, task, cancel)

    def close(self) -> None:
        """There is nothing more to wait for."""
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self, task: Task, cancel: Callable[[Task], None]) -> None:
        """Tell a request that its first task has not come in time."""
        if not task.begun and not task.cancelled:
            cancel(task)
            message = f"The request has waited {self._ticket.wait:g} seconds for its turn."
            task.end(QueueTimeout(message, retry_after=self._ticket.retry_after()))
