"""The models in memory as they are at one moment, for those who show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from govor.contract.models import Placement
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.loaded_models import Event, Loaded, LoadedModels
from govor.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """One instance of a model: coming into memory, in it, or leaving it."""

    model: Model
    status: Literal["loading", "loaded", "unloading"]
    requests: int
    """How many use it, or wait for it to be loaded."""
    placement: Placement | None = None
    """Where it runs and how; None: it is being loaded, as is true of all that follows."""
    memory: int = 0
    """Bytes that it takes when it is loaded."""
    measured: bool = False
    """They were measured, not estimated."""
    working: int = 0
    """Most bytes beyond that while it worked."""
    held: int = 0
    """Bytes that it counts with now."""
    loaded_at: float = 0.0
    """Seconds since 1970."""
    load_seconds: float = 0.0
    used_at: float = 0.0
    """When it was last taken or given back, in seconds since 1970."""
    workers: int = 0
    busy: int = 0
    """Workers that are at work."""
    waiting: int = 0
    """Chunks that wait for a worker."""
    ttl: float = 0.0
    """Seconds without a request after which it is unloaded; negative: never."""
    pinned: bool = False

    @property
    def expires_at(self) -> float | None:
        """When it will be unloaded if nobody asks for it, in seconds since 1970; None: it will not be."""
        if self.status == "loading" or self.ttl < 0 or self.pinned or self.requests:
            return None
        return self.used_at + self.ttl


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """All of them, in the order in which they came; those that leave are last."""

    models: tuple[ModelSnapshot, ...]
    budget: int
    """Bytes that models may take together; 0: any number."""
    used: int
    """Bytes that models hold or are promised."""
    events: tuple[Event, ...]
    """What became of models, the latest last."""

    @property
    def loaded(self) -> tuple[ModelSnapshot, ...]:
        """Those that are in memory and stay."""
        return tuple(each for each in self.models if each.status == "loaded")


def snapshot_of(loaded_models: LoadedModels, load_settings: LoadSettingsTable) -> PoolSnapshot:
    """Return the pool as it is now."""

    def one(loaded: Loaded, status: Literal["loaded", "unloading"]) -> ModelSnapshot:
        settings, scheduler = load_settings.of(loaded.model), loaded.scheduler
        return ModelSnapshot(
            loaded.model,
            status,
            loaded.leases,
            placement=loaded.placement,
            memory=loaded.memory,
            measured=loaded.measured,
            working=loaded.working,
            held=loaded.held,
            loaded_at=loaded.since,
            load_seconds=loaded.seconds,
            used_at=loaded.used,
            workers=scheduler.workers,
            busy=scheduler.busy,
            waiting=scheduler.waiting,
            ttl=settings.ttl,
            pinned=settings.pinned,
        )

    slots = list(loaded_models.slots.values())
    here = [one(slot.loaded, "loaded") for slot in slots if slot.loaded]
    coming = [ModelSnapshot(slot.model, "loading", slot.waiting) for slot in slots if slot.loaded is None]
    leaving = [one(loaded, "unloading") for loaded in loaded_models.leaving]
    return PoolSnapshot(
        (*here, *coming, *leaving), loaded_models.budget, loaded_models.used, tuple(loaded_models.history)
    )
