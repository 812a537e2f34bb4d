"""The memory of models beyond their weights while they work: measured, counted, given back when all rest.

Decoding and features of long audio take several times the memory of the loaded whisper-base. The C library
keeps half of it after the work unless it is asked to return it. All methods run in the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from govor.contract.models import ModelKind
from govor.engine.model_pool.loaded_models import Loaded, LoadedModels
from govor.engine.model_pool.process_memory import MemoryProbe, give_back

LOOK_SECONDS = 0.5
"""Seconds between two measurements of the process while one model works; each takes 20 microseconds."""

REST_SECONDS = 5.0
"""Seconds that all models must rest before memory is given back: taking it anew costs some 50 ms."""

TIDY_SECONDS = 5.0
"""Seconds after which free memory is given back while work goes on. With 60 seconds, an hour of audio by
whisper-base reached 640 MiB before the first time and 560 after it."""


class WorkingMemory:
    """Measures the models in memory while they work."""

    def __init__(
        self,
        loaded_models: LoadedModels,
        probe: MemoryProbe,
        give_back: Callable[[], None] = give_back,
        rest_seconds: float = REST_SECONDS,
    ):
        self._loaded_models = loaded_models
        self._probe = probe
        self._give_back = give_back
        self._rest_seconds = rest_seconds
        self._known: dict[str, int] = {}  # by model, in memory or not
        self._alone: Loaded | None = None  # the only model that works; None: none or several do
        self._since: int | None = None  # state of the probe when it began
        self._before = 0  # bytes of the process then
        # state of the probe and bytes of the process when all last rested
        self._rested: tuple[int | None, int] = (None, 0)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, loaded: Loaded) -> None:
        """Record that a lease of a model has begun."""
        if not loaded.works:
            return
        loaded.working = max(loaded.working, self._known.get(loaded.model.qualified, 0))
        self._stop("rest")
        if any(other.works for other in self._loaded_models.instances() if other is not loaded):
            self._alone = None
        elif loaded.leases == 1:
            self._alone, self._since = loaded, self._probe.state
            now, (state, rested) = self._probe.read() or 0, self._rested
            self._before = min(now, rested) if state is not None and state == self._since else now
            self._start("look", LOOK_SECONDS, self._look_on)
        if "tidy" not in self._timers:
            self._start("tidy", TIDY_SECONDS, self._tidy_on)

    def end(self, loaded: Loaded) -> None:
        """Record that a lease of a model has ended."""
        if loaded.model.kind is ModelKind.VAD:
            return
        self.look()
        if any(each.works for each in self._loaded_models.instances()):
            return
        self._alone = None
        self._stop("look")
        self._stop("tidy")
        self._start("rest", self._rest_seconds, lambda: self._run(self.rest()))

    def look(self) -> None:
        """Record the memory of the only model that works, unless a load or unload has changed the process."""
        loaded, now = self._alone, self._probe.read()
        if loaded is None or now is None or self._since is None or self._since != self._probe.state:
            return
        loaded.working = max(loaded.working, now - self._before)
        self._known[loaded.model.qualified] = loaded.working

    async def rest(self) -> None:
        """Give free memory back, and record the memory that is held afterwards."""
        await asyncio.to_thread(self._give_back)
        if not any(each.works for each in self._loaded_models.instances()):
            self._rested = self._probe.state, self._probe.read() or 0

    async def close(self) -> None:
        """Stop measuring."""
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
