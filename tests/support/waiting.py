"""Wait for another thread or task: a test goes on as soon as it is done."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

POLL_SECONDS = 0.01


def eventually(check: Callable[[], bool], seconds: float = 20) -> bool:
    """Tell whether `check` comes true within the time."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


async def soon(check: Callable[[], bool], seconds: float = 20) -> bool:
    """Tell whether `check` comes true within the time, while the event loop's other tasks run."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


EVERY_CALL = 10_000
"""Opens a turnstile for more calls than any test makes."""


class Turnstile:
    """A gate for the fakes that lets through as many calls as it was opened for."""

    def __init__(self) -> None:
        self._passes = threading.Semaphore(0)

    def open(self, calls: int = 1) -> None:
        self._passes.release(calls)

    def wait(self, timeout: float | None = None) -> bool:
        return self._passes.acquire(timeout=timeout)
