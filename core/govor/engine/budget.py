"""The machine's cores, shared out among the models in memory. Knows nothing of audio.

A model alone has all cores. Of several that want them, the one goes next that has had the least of their
time. All methods run in the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from govor.types import Placed, Recognizer


def cores_of(recognizer: Recognizer) -> int:
    """Return the cores that one call of a model uses, as far as it tells; beside a GPU, one."""
    threads: int | None = getattr(recognizer, "threads", None)
    if threads is None and isinstance(recognizer, Placed) and recognizer.placement.device == "cpu":
        threads = recognizer.placement.threads or None
    return 1 if threads is None else threads


@dataclass(slots=True, eq=False)
class Account:
    """What one model has had."""

    cores: int
    """Cores that one call uses; 0: none to speak of."""
    spent: float = 0.0
    """Core-seconds."""
    calls: int = 0
    """Calls that run, or wait for cores."""


class Budget:
    """So many cores; a call holds its own while it runs."""

    def __init__(self, cores: int, clock: Callable[[], float] = time.monotonic):
        self.cores = cores
        self._free = cores
        self._clock = clock
        self._level = 0.0  # what the account that was served last had spent
        self._waiting: list[tuple[Account, asyncio.Future[None]]] = []

    def open_account(self, cores: int) -> Account:
        """Begin to count for a model each of whose calls uses so many cores; of too many it gets all."""
        return Account(min(max(cores, 0), self.cores))

    @asynccontextmanager
    async def hold(self, account: Account) -> AsyncIterator[None]:
        """Wait for the cores of one call and hold them until the block ends."""
        if not account.calls:  # what it left unused while it slept is nothing to catch up with
            account.spent = max(account.spent, self._level)
        account.calls += 1
        try:
            await self._take(account)
            began = self._clock()
            try:
                yield
            finally:
                account.spent += (self._clock() - began) * account.cores
                self._give(account)
        finally:
            account.calls -= 1

    async def _take(self, account: Account) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((account, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give(account)
            else:
                self._serve()  # it may have stood in others' way
            raise

    def _give(self, account: Account) -> None:
        self._free += account.cores
        # Not yet: the same model may want to go on.
        asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        """Serve who has had least; while there are too few cores for it, nobody, or it would never be."""
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].cancelled()]
        while self._waiting:
            first = min(self._waiting, key=lambda waiting: waiting[0].spent)
            account, turn = first
            if account.cores > self._free:
                return
            self._waiting.remove(first)
            self._free -= account.cores
            self._level = max(self._level, account.spent)
            turn.set_result(None)
