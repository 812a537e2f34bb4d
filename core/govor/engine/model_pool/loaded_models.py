"""The record of models in memory: instances, bytes, candidates for eviction. Knows nothing of loading."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from govor.contract.models import ModelKind, RuntimeOptions
from govor.contract.recognizers import Capability
from govor.contract.workers import Worker
from govor.engine.model_pool.load_progress import LoadProgress
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.errors import GovorError, InsufficientMemory
from govor.events import Observer
from govor.models.catalogue import Model

RETRY_SECONDS = 5.0
"""Retry-After of a request that found no room, for models in use become free."""

HISTORY = 100

ModelChange = Literal["loaded", "reloaded", "unloaded", "expired", "evicted", "failed"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The result of one load."""

    worker: Worker
    runtime: RuntimeOptions
    """Device, precision, threads and workers, as the model reports them or else as they were asked for."""
    memory: int
    """Bytes that it takes at rest: measured, or else estimated."""
    measured: bool
    seconds: float
    """Seconds that loading took, without the fetching of files."""
    instance: object = None
    """The loaded model itself; None: it is not in this process."""


@dataclass(slots=True, eq=False)
class Loaded:
    """A model in memory and the scheduler that feeds it."""

    model: Model
    scheduler: ModelScheduler
    capabilities: frozenset[Capability] = frozenset()
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    """See `Opened`, as for `memory`, `measured`, `instance` and `seconds`."""
    memory: int = 0
    measured: bool = False
    lost: bool = False
    """Whether the model was lost and is being loaded again."""
    instance: object = None
    working: int = 0
    """Most bytes beyond `memory` measured while it worked; they are given back when it rests."""
    seconds: float = 0.0
    since: float = field(default_factory=time.time)
    """When it was loaded, in seconds since 1970."""
    used: float = field(default_factory=time.time)
    """When a lease last began or ended, in seconds since 1970."""
    leases: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """Set if there is no lease, or if leases are no longer awaited."""
    ending: GovorError | None = None
    """The error for requests that still wait for it when it is freed; None: ShuttingDown."""

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def long_form(self) -> bool:
        """Whether it cuts long audio itself."""
        return Capability.LONG_FORM in self.capabilities

    @property
    def detects(self) -> bool:
        """Whether it can detect the language."""
        return Capability.DETECT in self.capabilities

    @property
    def held(self) -> int:
        """Bytes that count against the budget now: with `working` while it is leased."""
        return self.memory + (self.working if self.leases else 0)

    @property
    def works(self) -> bool:
        """Whether it is at work for a request. Voice detection takes next to no memory while it works."""
        return self.leases > 0 and self.model.kind is not ModelKind.VAD

    @property
    def workers(self) -> int:
        """Calls that it may do in parallel."""
        return self.scheduler.workers

    @property
    def idle_workers(self) -> int:
        """Workers that run no call."""
        return self.scheduler.workers - self.scheduler.busy

    def put(self, opened: Opened) -> None:
        """Record a load of this instance."""
        self.runtime, self.seconds, self.since = opened.runtime, opened.seconds, time.time()
        self.memory, self.measured, self.lost = opened.memory, opened.measured, False
        self.instance = opened.instance

    def take(self) -> None:
        """Begin a lease."""
        self.leases += 1
        self.used = time.time()
        self.free.clear()

    def give(self) -> None:
        """End a lease."""
        self.leases -= 1
        self.used = time.time()
        if not self.leases:
            self.free.set()


@dataclass(slots=True, eq=False)
class Slot:
    """The entry of one model that is in memory or being loaded."""

    model: Model
    pinned: Callable[[], bool]
    task: asyncio.Task[None] | None = None
    """The task that loads it."""
    loaded: Loaded | None = None
    reload: asyncio.Task[None] | None = None
    """The task that loads the instance that replaces it."""
    waiting: int = 0
    """Requests that wait for the load."""
    timer: asyncio.TimerHandle | None = None

    @property
    def load_task(self) -> asyncio.Task[None] | None:
        """The task that loads an instance now, if any."""
        return self.reload if self.loaded else self.task

    @property
    def busy(self) -> bool:
        """Whether it is being loaded, waited for, used or replaced."""
        return self.loaded is None or self.waiting > 0 or self.loaded.leases > 0 or self.reload is not None

    @property
    def may_be_evicted(self) -> bool:
        """Whether it may be evicted now."""
        return not self.busy and not self.pinned()

    def is_loading(self, model: Model) -> bool:
        """Return whether this very model is being loaded into the slot."""
        return self.loaded is None and self.model is model

    def describe(self) -> str:
        """Return its memory and the reason why it keeps it, for an error message."""
        memory = f"{self.loaded.held / 1e6:.0f} MB" if self.loaded else "room to be loaded into"
        why = "pinned" if self.pinned() else "in use" if self.busy else "idle"
        return f"'{self.model.id}' {memory} ({why})"


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a model in memory."""

    time: float
    """Seconds since 1970."""
    what: ModelChange
    model: str
    memory: int
    reason: str = ""


class LoadedModels:
    """All models in memory, and the sum of their memory. `budget` in bytes; 0: no limit."""

    def __init__(self, budget: int, observer: Observer | None = None):
        self.budget = budget
        self._observer = observer or Observer()
        self.slots: dict[str, Slot] = {}
        self.leaving: dict[Loaded, asyncio.Task[None]] = {}
        """Instances that are being unloaded, once their leases have ended."""
        self.reserved: dict[object, int] = {}
        """Bytes reserved for loads under way, each under a key of its own."""
        self.progress: dict[str, LoadProgress] = {}
        """The progress of the latest load of a model that is under way, by its qualified name."""
        self.history: deque[Event] = deque(maxlen=HISTORY)

    @property
    def used(self) -> int:
        """Bytes held or reserved."""
        return sum(loaded.held for loaded in self.instances()) + sum(self.reserved.values())

    def instances(self) -> Iterator[Loaded]:
        """Yield all instances in memory, with those that are being unloaded."""
        yield from (slot.loaded for slot in self.slots.values() if slot.loaded)
        yield from self.leaving

    def lacking(self, need: int) -> int:
        """Return the bytes by which `need` more would exceed the budget; 0 or less: they fit."""
        return self.used + need - self.budget if self.budget else 0

    def soon_free(self) -> int:
        """Return the bytes of instances that are being closed and have no lease."""
        return sum(loaded.memory for loaded in self.leaving if not loaded.leases)

    def victims(self) -> list[Slot]:
        """Return the models that may be evicted, the least recently used first, voice detectors last."""

        def order(slot: Slot) -> tuple[bool, float]:
            return slot.model.kind is ModelKind.VAD, slot.loaded.used if slot.loaded else 0.0

        return sorted((slot for slot in self.slots.values() if slot.may_be_evicted), key=order)

    def leaving_of(self, model: Model) -> list[Loaded]:
        """Return the instances of a model that are being unloaded."""
        return [loaded for loaded in self.leaving if loaded.model.qualified == model.qualified]

    async def until_gone(self, model: Model) -> None:
        """Wait until no instance of a model is being unloaded."""
        while leaving := [self.leaving[loaded] for loaded in self.leaving_of(model)]:
            await asyncio.wait(leaving)

    def check_room(self, model: Model, need: int) -> None:
        """Raise InsufficientMemory if evicting all candidates would not make room for `need` bytes."""
        victims = self.victims()
        gain = self.soon_free() + sum(slot.loaded.memory for slot in victims if slot.loaded)
        if self.lacking(need) <= gain:
            return
        message = (
            f"'{model.id}' takes about {need / 1e6:.0f} MB, and models may take {self.budget / 1e6:.0f} MB "
            "together (memory_budget)"
        )
        if need > self.budget:
            raise InsufficientMemory(f"{message}.")
        holding = [slot for slot in self.slots.values() if slot not in victims and not slot.is_loading(model)]
        held = ", ".join([*(slot.describe() for slot in holding), *map(_describe_leaving, self.leaving)])
        others = [slot for slot in holding if slot.model is not model]
        may_free = self.leaving or any(slot.busy and not slot.pinned() for slot in others)
        raise InsufficientMemory(
            f"{message}; held by {held}.", retry_after=RETRY_SECONDS if may_free else None
        )

    @contextmanager
    def loading(self, model: Model) -> Iterator[None]:
        """Show the progress that a load of the model reports within the block."""
        progress = LoadProgress(model.id, self._observer)
        self.progress[model.qualified] = progress
        try:
            with progress.reported():
                yield
        finally:
            if self.progress.get(model.qualified) is progress:
                del self.progress[model.qualified]

    def note(self, what: ModelChange, model: Model, memory: int = 0, reason: str = "") -> None:
        """Record a change of a model and report it to the observer."""
        self.history.append(Event(time.time(), what, model.id, memory, reason))
        slot = self.slots.get(model.qualified)
        loaded = slot.loaded if slot and what in ("loaded", "reloaded") else None
        self._observer.moved(what, model.id, loaded.seconds if loaded else None)


def _describe_leaving(loaded: Loaded) -> str:
    return f"'{loaded.model.id}' {loaded.held / 1e6:.0f} MB (being unloaded)"
