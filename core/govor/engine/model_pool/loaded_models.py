"""Models in memory as an account: who is here, what each takes, who may go. Knows nothing of loading."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from govor.contract.models import Placement
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.errors import GovorError, InsufficientMemory
from govor.events import Observer
from govor.models.catalogue import Model

RETRY_SECONDS = 5.0
"""After which a request that found no room may find some, as what was in use becomes free."""

HISTORY = 100

Happening = Literal["loaded", "reloaded", "unloaded", "expired", "evicted", "failed"]


@dataclass(slots=True, eq=False)
class Loaded:
    """A model in memory and the scheduler that feeds it."""

    model: Model
    scheduler: ModelScheduler
    long_form: bool
    detects: bool = False
    """It can tell a language by itself."""
    placement: Placement = field(default_factory=Placement)
    """Where it runs and how, as far as it tells."""
    memory: int = 0
    """Bytes that it takes when it is loaded: measured, or else estimated."""
    measured: bool = False
    working: int = 0
    """Most bytes beyond that while it worked, as far as measured; given back when it rests."""
    seconds: float = 0.0
    """How long loading took, without fetching files."""
    since: float = field(default_factory=time.time)
    """When it was loaded, in seconds since 1970."""
    used: float = field(default_factory=time.time)
    """When it was last taken or given back."""
    leases: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while nobody holds it, or nobody is waited for."""
    ending: GovorError | None = None
    """What those are told who still wait for it when it is freed; None: that the server is stopping."""

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def held(self) -> int:
        """Bytes that it is to be counted with now: in use, those of its work too."""
        return self.memory + (self.working if self.leases else 0)

    @property
    def workers(self) -> int:
        """Calls that it may do in parallel."""
        return self.scheduler.workers

    @property
    def idle_workers(self) -> int:
        """Workers that have nothing to do."""
        return self.scheduler.workers - self.scheduler.busy

    def take(self) -> None:
        """Count one more who uses it."""
        self.leases += 1
        self.used = time.time()
        self.free.clear()

    def give(self) -> None:
        """Count one less."""
        self.leases -= 1
        self.used = time.time()
        if not self.leases:
            self.free.set()


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one model: being loaded, or in memory."""

    model: Model
    pinned: Callable[[], bool]
    task: asyncio.Task[None] | None = None
    """Loads it."""
    loaded: Loaded | None = None
    reload: asyncio.Task[None] | None = None
    """Brings its successor."""
    waiting: int = 0
    """How many wait for the load."""
    timer: asyncio.TimerHandle | None = None

    @property
    def coming(self) -> asyncio.Task[None] | None:
        """The task that brings an instance now."""
        return self.reload if self.loaded else self.task

    @property
    def busy(self) -> bool:
        """It is being loaded, waited for, used or replaced."""
        return self.loaded is None or self.waiting > 0 or self.loaded.leases > 0 or self.reload is not None

    @property
    def may_go(self) -> bool:
        """Another model may take its room now."""
        return not self.busy and not self.pinned()

    def is_coming(self, model: Model) -> bool:
        """It is the place that this model is being loaded into."""
        return self.loaded is None and self.model is model

    def describe(self) -> str:
        """Say what it holds, and why it keeps it."""
        memory = f"{self.loaded.held / 1e6:.0f} MB" if self.loaded else "room to be loaded into"
        why = "pinned" if self.pinned() else "in use" if self.busy else "idle"
        return f"'{self.model.id}' {memory} ({why})"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became of a model."""

    time: float
    """Seconds since 1970."""
    what: Happening
    model: str
    memory: int
    reason: str = ""


class LoadedModels:
    """Who is in memory, and the sum of it. `budget` 0 is no limit."""

    def __init__(self, budget: int, observer: Observer | None = None):
        self.budget = budget
        self._observer = observer or Observer()
        self.slots: dict[str, Slot] = {}
        self.leaving: dict[Loaded, asyncio.Task[None]] = {}
        """Models on their way out: those still in use end their work first."""
        self.reserved: dict[object, int] = {}
        """Bytes of loads under way, by whoever loads."""
        self.history: deque[Event] = deque(maxlen=HISTORY)

    @property
    def used(self) -> int:
        """Bytes held, or spoken for."""
        return sum(loaded.held for loaded in self.residents()) + sum(self.reserved.values())

    def residents(self) -> Iterator[Loaded]:
        """All instances in memory, those that are leaving included."""
        yield from (slot.loaded for slot in self.slots.values() if slot.loaded)
        yield from self.leaving

    def lacking(self, need: int) -> int:
        """Bytes by which so much more would exceed the budget; 0 or less: it fits."""
        return self.used + need - self.budget if self.budget else 0

    def soon_free(self) -> int:
        """Bytes of models that are being closed and wait for nobody."""
        return sum(loaded.memory for loaded in self.leaving if not loaded.leases)

    def victims(self) -> list[Slot]:
        """Models that may go, the least recently used first."""
        may_go = [slot for slot in self.slots.values() if slot.may_go]
        return sorted(may_go, key=lambda slot: slot.loaded.used if slot.loaded else 0.0)

    def leaving_of(self, model: Model) -> list[Loaded]:
        """Instances of a model that are on their way out."""
        return [loaded for loaded in self.leaving if loaded.model.qualified == model.qualified]

    async def until_gone(self, model: Model) -> None:
        """Wait until no instance of a model is on its way out."""
        while leaving := [self.leaving[loaded] for loaded in self.leaving_of(model)]:
            await asyncio.wait(leaving)

    def check_room(self, model: Model, need: int) -> None:
        """Raise InsufficientMemory where evicting all that may go would not make room for so many bytes."""
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
        holding = [slot for slot in self.slots.values() if slot not in victims and not slot.is_coming(model)]
        held = ", ".join([*(slot.describe() for slot in holding), *map(_describe_leaving, self.leaving)])
        others = [slot for slot in holding if slot.model is not model]
        may_free = self.leaving or any(slot.busy and not slot.pinned() for slot in others)
        raise InsufficientMemory(
            f"{message}; held by {held}.", retry_after=RETRY_SECONDS if may_free else None
        )

    def note(self, what: Happening, model: Model, memory: int = 0, reason: str = "") -> None:
        """Remember what happened."""
        self.history.append(Event(time.time(), what, model.id, memory, reason))
        slot = self.slots.get(model.qualified)
        loaded = slot.loaded if slot and what in ("loaded", "reloaded") else None
        self._observer.moved(what, model.id, loaded.seconds if loaded else None)


def _describe_leaving(loaded: Loaded) -> str:
    return f"'{loaded.model.id}' {loaded.held / 1e6:.0f} MB (being unloaded)"
