"""Divides the machine's cores among the models in memory. Knows nothing of audio.

A model that works alone has all cores. If several models wait for cores, the one with the fewest
core-seconds so far goes next. If a call is urgent, it may run beside calls that already use all cores.
All methods run in the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from govor.contract.recognizers import RecognizerInfo


def cores_of(info: RecognizerInfo) -> int:
    """Return the cores that one call of a model uses: one if the model does not say, or runs on a GPU."""
    if info.cores is not None:
        return info.cores
    return (info.runtime.threads or 1) if info.runtime.device == "cpu" else 1


def never() -> bool:
    """Return False: for a model that has neither urgent calls nor background calls."""
    return False


@dataclass(slots=True, eq=False)
class CoreAccount:
    """The core-seconds that one model has used."""

    cores: int
    """Cores that one call uses; 0: next to none."""
    is_urgent: Callable[[], bool] = never
    """Reports whether a request waits for this model that has had nothing of it yet."""
    is_background: Callable[[], bool] = never
    """Reports whether everything that this model runs belongs to long requests."""
    spent: float = 0.0
    """Core-seconds."""
    calls: int = 0
    """Calls that run, or wait for cores."""


@dataclass(slots=True, eq=False)
class CoreClaim:
    """A call that waits for its cores, or holds them."""

    account: CoreAccount
    granted: asyncio.Future[None]
    hurried: bool = False
    """It runs although other calls hold all cores."""


class CoreBudget:
    """A number of cores; a call holds some of them while it runs."""

    def __init__(self, cores: int, clock: Callable[[], float] = time.monotonic):
        self.cores = cores
        self._free = cores
        self._clock = clock
        self._level = 0.0  # core-seconds of the account that was served last
        self._waiting: list[CoreClaim] = []
        self._running: list[CoreClaim] = []

    def open_account(
        self, cores: int, is_urgent: Callable[[], bool] = never, is_background: Callable[[], bool] = never
    ) -> CoreAccount:
        """Return an account for a model whose calls use `cores` each, at most all that there are."""
        return CoreAccount(min(max(cores, 0), self.cores), is_urgent, is_background)

    @asynccontextmanager
    async def hold(self, account: CoreAccount) -> AsyncIterator[None]:
        """Wait for the cores of one call and hold them until the block ends."""
        if not account.calls:  # time without calls earns no advantage over the others
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
        """Let one urgent call run at once if all calls that run belong to long requests."""
        self._waiting = [claim for claim in self._waiting if not claim.granted.cancelled()]
        if all(claim.account.is_background() and not claim.hurried for claim in self._running):
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
                self._serve()  # others may have waited behind it
            raise
        return claim

    def _give(self, claim: CoreClaim) -> None:
        self._running.remove(claim)
        if not claim.hurried:
            self._free += claim.account.cores
        # Not yet: the same model may want to go on.
        asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        """Serve the claim with the fewest core-seconds or, if too few cores are free, only an urgent one."""
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
