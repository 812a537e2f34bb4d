"""Limits the time that a request waits for its first task to begin."""

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
        """Cancel the first task of the request if it does not begin in time. Later tasks have no limit.

        `cancel` is that of the task's scheduler.
        """
        if self._ticket.wait and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._ticket.wait, self._give_up, task, cancel)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self, task: Task, cancel: Callable[[Task], None]) -> None:
        """End the request's first task with QueueTimeout, unless it has begun."""
        if not task.begun and not task.cancelled:
            cancel(task)
            message = f"The request has waited {self._ticket.wait:g} seconds for its turn."
            task.end(QueueTimeout(message, retry_after=self._ticket.retry_after()))
