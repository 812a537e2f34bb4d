"""What models take beyond their weights while they work: measured, counted, and given back once all rest.

Decoders and features of long audio take several times what whisper-base takes loaded. Of that the C library
keeps half when the work is over, unless it is told to return it. All methods run in the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from govor.engine.model_pool.loaded_models import Loaded, LoadedModels
from govor.engine.model_pool.process_memory import MemoryProbe, give_back

LOOK_SECONDS = 0.5
"""How often the process's memory is looked at while one model is at work: 20 microseconds each time."""

REST_SECONDS = 5.0
"""How long all models must have rested until memory is given back: a request takes it anew in some 50 ms."""

TIDY_SECONDS = 5.0
"""How often what is free is given back while work goes on. With a minute, an hour by whisper-base reached
640 MiB before the first time and 560 after it."""


class WorkingMemory:
    """Watches the models in memory at work."""

    def __init__(
        self,
        loaded_models: LoadedModels,
        gauge: MemoryProbe,
        give_back: Callable[[], None] = give_back,
        rest_seconds: float = REST_SECONDS,
    ):
        self._loaded_models = loaded_models
        self._gauge = gauge
        self._give_back = give_back
        self._rest_seconds = rest_seconds
        self._known: dict[str, int] = {}  # by model, also of those that are not in memory now
        self._alone: Loaded | None = (
            None  # which works; None: none does, or several that cannot be told apart
        )
        self._since: int | None = None  # the gauge's state when it began
        self._before = 0  # bytes of the process then
        self._rested: tuple[int | None, int] = (
            None,
            0,
        )  # the gauge's state and the bytes, when all rested last
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, loaded: Loaded) -> None:
        """A model was taken by one more."""
        loaded.working = max(loaded.working, self._known.get(loaded.model.qualified, 0))
        self._stop("rest")
        if any(other.leases for other in self._loaded_models.residents() if other is not loaded):
            self._alone = None
        elif loaded.leases == 1:
            self._alone, self._since = loaded, self._gauge.state
            now, (state, rested) = self._gauge.read() or 0, self._rested
            self._before = min(now, rested) if state is not None and state == self._since else now
            self._start("look", LOOK_SECONDS, self._look_on)
        if "tidy" not in self._timers:
            self._start("tidy", TIDY_SECONDS, self._tidy_on)

    def end(self, loaded: Loaded) -> None:
        """A model was given back by one."""
        self.look()
        if any(each.leases for each in self._loaded_models.residents()):
            return
        self._alone = None
        self._stop("look")
        self._stop("tidy")
        self._start("rest", self._rest_seconds, lambda: self._run(self.rest()))

    def look(self) -> None:
        """Note what the model that works alone has made the process take, if nothing else has changed it."""
        loaded, now = self._alone, self._gauge.read()
        if loaded is None or now is None or self._since is None or self._since != self._gauge.state:
            return
        loaded.working = max(loaded.working, now - self._before)
        self._known[loaded.model.qualified] = loaded.working

    async def rest(self) -> None:
        """Give back what is free, and note what is held then."""
        await asyncio.to_thread(self._give_back)
        if not any(each.leases for each in self._loaded_models.residents()):
            self._rested = self._gauge.state, self._gauge.read() or 0

    async def close(self) -> None:
        """Watch no more."""
        for name in [*self._timers]:
            self._stop(name)
        await asyncio.gather(*self._tasks)

    def _look_on(self) -> None:
        self.look()
        if self._alone is not None:
            self._start("look", LOOK_SECONDS, self._look_on)

    def _tidy_on(self) -> None:
        self._run(asyncio.to_thread(self._give_back))
        self._start("tidy", TIDY_SECONDS, self._tidy_on)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="give memory back")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _start(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._stop(name)
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, call)

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
