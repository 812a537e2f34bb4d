"""The models in memory at one moment, for display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from govor.contract.models import RuntimeOptions
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.loaded_models import Event, Loaded, LoadedModels
from govor.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """One instance of a model: being loaded, in memory, or being unloaded."""

    model: Model
    status: Literal["loading", "loaded", "unloading"]
    requests: int
    """Requests that use it or wait for its load."""
    progress: float | None = None
    """Share of its load or reload that is done, 0 to 1; None: none is under way, or it does not say."""
    stage: str = ""
    """The step that this load is at; "": unknown."""
    runtime: RuntimeOptions | None = None
    """Device, precision, threads and workers; None: it is being loaded, and the fields below are not set."""
    memory: int = 0
    """Bytes that it takes at rest."""
    measured: bool = False
    """Whether `memory` was measured, not estimated."""
    working: int = 0
    """Most bytes beyond `memory` while it worked."""
    held: int = 0
    """Bytes that count against the budget now."""
    loaded_at: float = 0.0
    """Seconds since 1970."""
    load_seconds: float = 0.0
    used_at: float = 0.0
    """When a lease last began or ended, in seconds since 1970."""
    workers: int = 0
    busy: int = 0
    """Workers that run a call."""
    waiting: int = 0
    """Chunks that wait for a worker."""
    ttl: float = 0.0
    """Seconds without a request after which it is unloaded; negative: never."""
    pinned: bool = False

    @property
    def expires_at(self) -> float | None:
        """When it will be unloaded if no request comes, in seconds since 1970; None: it will not be."""
        if self.status == "loading" or self.ttl < 0 or self.pinned or self.requests:
            return None
        return self.used_at + self.ttl


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """First models in memory, then those being loaded, then those being unloaded; the oldest first."""

    models: tuple[ModelSnapshot, ...]
    budget: int
    """Bytes that models may take together; 0: no limit."""
    used: int
    """Bytes held or reserved."""
    events: tuple[Event, ...]
    """Changes of models, the latest last."""

    @property
    def loaded(self) -> tuple[ModelSnapshot, ...]:
        """Models in memory that are not being unloaded."""
        return tuple(each for each in self.models if each.status == "loaded")


def snapshot_of(loaded_models: LoadedModels, load_settings: LoadSettingsTable) -> PoolSnapshot:
    """Return the pool as it is now."""

    def progress_of(model: Model) -> tuple[float | None, str]:
        progress = loaded_models.progress.get(model.qualified)
        return (progress.fraction, progress.stage) if progress else (None, "")

    def one(loaded: Loaded, status: Literal["loaded", "unloading"]) -> ModelSnapshot:
        settings, scheduler = load_settings.of(loaded.model), loaded.scheduler
        progress, stage = progress_of(loaded.model) if status == "loaded" else (None, "")
        return ModelSnapshot(
            loaded.model,
            status,
            loaded.leases,
            progress,
            stage,
            runtime=loaded.runtime,
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
    here = [one(slot.loaded, "loaded") for slot in slots if slot.loaded and not slot.loaded.lost]
    coming = [
        ModelSnapshot(
            slot.model,
            "loading",
            slot.waiting + (slot.loaded.leases if slot.loaded else 0),
            *progress_of(slot.model),
        )
        for slot in slots
        if slot.loaded is None or slot.loaded.lost
    ]
    leaving = [one(loaded, "unloading") for loaded in loaded_models.leaving]
    return PoolSnapshot(
        (*here, *coming, *leaving), loaded_models.budget, loaded_models.used, tuple(loaded_models.history)
    )
