"""The machine's cores, shared out among the models in memory. Knows nothing of audio.

A model alone has all cores. Of several that want them, the one goes next that has had the least of their
time. One call more than there are cores for is let in where it is urgent. All methods run in the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from govor.contract.recognition import Placed, Recognizer


def cores_of(recognizer: Recognizer) -> int:
    """Return the cores that one call of a model uses, as far as it tells; beside a GPU, one."""
    threads: int | None = getattr(recognizer, "threads", None)
    if threads is None and isinstance(recognizer, Placed) and recognizer.placement.device == "cpu":
        threads = recognizer.placement.threads or None
    return 1 if threads is None else threads


def never() -> bool:
    """What a model says whose calls are all alike."""
    return False


@dataclass(slots=True, eq=False)
class CoreAccount:
    """What one model has had."""

    cores: int
    """Cores that one call uses; 0: none to speak of."""
    is_urgent: Callable[[], bool] = never
    """Somebody waits for this model who has had nothing yet."""
    is_patient: Callable[[], bool] = never
    """All that this model runs is for those who have had much."""
    spent: float = 0.0
    """Core-seconds."""
    calls: int = 0
    """Calls that run, or wait for cores."""


@dataclass(slots=True, eq=False)
class CoreClaim:
    """A call that waits for its cores, or has them."""

    account: CoreAccount
    granted: asyncio.Future[None]
    hurried: bool = False
    """It runs beside all that the cores are for."""


class CoreBudget:
    """So many cores; a call holds its own while it runs."""

    def __init__(self, cores: int, clock: Callable[[], float] = time.monotonic):
        self.cores = cores
        self._free = cores
        self._clock = clock
        self._level = 0.0  # what the account that was served last had spent
        self._waiting: list[CoreClaim] = []
        self._running: list[CoreClaim] = []

    def open_account(
        self, cores: int, is_urgent: Callable[[], bool] = never, is_patient: Callable[[], bool] = never
    ) -> CoreAccount:
        """Begin to count for a model each of whose calls uses so many cores; of too many it gets all."""
        return CoreAccount(min(max(cores, 0), self.cores), is_urgent, is_patient)

    @asynccontextmanager
    async def hold(self, account: CoreAccount) -> AsyncIterator[None]:
        """Wait for the cores of one call and hold them until the block ends."""
        if not account.calls:  # what it left unused while it slept is nothing to catch up with
            account.spent = max(account.spent, self._level)
        account.calls += 1
        try:
            claim = await self._take(account)
            began = self._clock()
            try:
                yield
            finally:
                account.spent += (self._clock() - began) * account.cores
                self._give(claim)
        finally:
            account.calls -= 1

    def look_again(self) -> None:
        """Let one call in that is urgent, beside those that the cores are for, where they can spare it."""
        self._waiting = [claim for claim in self._waiting if not claim.granted.cancelled()]
        if all(claim.account.is_patient() and not claim.hurried for claim in self._running):
            for claim in self._waiting:
                if claim.account.is_urgent():
                    claim.hurried = claim.account.cores > self._free
                    self._grant(claim)
                    return

    async def _take(self, account: CoreAccount) -> CoreClaim:
        claim = CoreClaim(account, asyncio.get_running_loop().create_future())
        self._waiting.append(claim)
        self._serve()
        try:
            await claim.granted
        except asyncio.CancelledError:
            if claim.granted.done() and not claim.granted.cancelled():
                self._give(claim)
            else:
                self._serve()  # it may have stood in others' way
            raise
        return claim

    def _give(self, claim: CoreClaim) -> None:
        self._running.remove(claim)
        if not claim.hurried:
            self._free += claim.account.cores
        # Not yet: the same model may want to go on.
        asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        """Serve who has had least; while there are too few cores for it, only what is urgent."""
        self._waiting = [claim for claim in self._waiting if not claim.granted.cancelled()]
        for claim in [claim for claim in self._waiting if not claim.account.cores]:
            self._grant(claim)
        while self._waiting:
            first = min(self._waiting, key=lambda claim: claim.account.spent)
            if first.account.cores > self._free:
                self.look_again()
                return
            self._grant(first)

    def _grant(self, claim: CoreClaim) -> None:
        self._waiting.remove(claim)
        self._running.append(claim)
        if not claim.hurried:
            self._free -= claim.account.cores
        self._level = max(self._level, claim.account.spent)
        claim.granted.set_result(None)
