"""Tasks that nobody awaits any more."""

from __future__ import annotations

import asyncio
from typing import Any


def retrieve_failure(task: asyncio.Task[Any]) -> None:
    """Take the failure of a task that no caller may await any more, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
