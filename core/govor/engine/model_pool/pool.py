"""Models in memory: loaded once for all requests, leased while in use, evicted for other models."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Literal

from govor.contract.workers import Executor
from govor.engine.model_pool.eviction import Evictor
from govor.engine.model_pool.load_backoff import LoadBackoff
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.loaded_models import Loaded, LoadedModels, Slot
from govor.engine.model_pool.loading import Loader
from govor.engine.model_pool.memory_admission import MemoryAdmission
from govor.engine.model_pool.process_memory import MemoryProbe
from govor.engine.model_pool.snapshot import PoolSnapshot, snapshot_of
from govor.engine.model_pool.working_memory import WorkingMemory
from govor.engine.scheduling.core_budget import CoreBudget
from govor.engine.scheduling.scheduler import STOPPING
from govor.errors import GovorError, ModelBusy, ModelNotInstalled, ModelUnloaded, ShuttingDown
from govor.events import Observer
from govor.models.catalogue import Model
from govor.models.download.progress import Progress
from govor.models.files.store import Store
from govor.unawaited import retrieve_failure

__all__ = ["Loaded", "Pool", "State"]

log = logging.getLogger(__name__)

State = Literal["available", "downloading", "installed", "loading", "loaded", "failed"]


class Pool:
    """The models in memory. All methods run in the event loop."""

    def __init__(
        self,
        store: Store,
        load_settings: LoadSettingsTable | None = None,
        budget: int = 0,
        *,
        cores: CoreBudget | None = None,
        probe: MemoryProbe | None = None,
        failures: LoadBackoff | None = None,
        observer: Observer | None = None,
        executors: Mapping[str, Executor] | None = None,
    ):
        """`budget` in bytes, 0: no limit; `cores`: the cores that all models share; `executors` by scheme."""
        self.load_settings = load_settings or LoadSettingsTable()
        self.loaded_models = LoadedModels(budget, observer)
        self._store = store
        self.probe = probe or MemoryProbe()
        """Measures the memory of each load."""
        self._evictor = Evictor(self.loaded_models, self.load_settings, self.probe)
        self._failures = failures or LoadBackoff()
        self._admission = MemoryAdmission(
            store,
            self.load_settings,
            self.loaded_models,
            self._evictor,
            Loader(self.probe, cores, observer, executors),
            self._failures,
        )
        self._workload = WorkingMemory(self.loaded_models, self.probe)
        self._emptied: dict[str, asyncio.Event] = {}
        self._closed = False

    def state(self, model: Model) -> State:
        """Return the state of a model, in memory or else on disk."""
        slot = self.loaded_models.slots.get(model.qualified)
        if slot is not None:
            return "loaded" if slot.loaded and not slot.loaded.lost else "loading"
        return "failed" if self.failure(model) else self._store.state(model)

    def failure(self, model: Model) -> str | None:
        """Return why the last attempt to load failed; None: it did not fail."""
        return self._failures.reason(model.qualified)

    def check(self, model: Model) -> None:
        """Raise the known obstacle to loading a model: InsufficientMemory, or its last failure."""
        if model.qualified not in self.loaded_models.slots:
            self._failures.check_last(model.qualified)
            self._admission.check_room(model)

    def loaded(self, model: Model) -> Loaded | None:
        """Return the model in memory, without a lease; None: it is not in memory."""
        slot = self.loaded_models.slots.get(model.qualified)
        return slot.loaded if slot and slot.loaded and not slot.loaded.lost else None

    def snapshot(self) -> PoolSnapshot:
        """Return the models in memory now, for display."""
        return snapshot_of(self.loaded_models, self.load_settings)

    def leases(self, model: Model) -> int:
        """Return how many requests use the model or wait for its load."""
        slot = self.loaded_models.slots.get(model.qualified)
        leaving = sum(loaded.leases for loaded in self.loaded_models.leaving_of(model))
        return leaving + (slot.waiting + (slot.loaded.leases if slot.loaded else 0) if slot else 0)

    @asynccontextmanager
    async def lease(self, model: Model, progress: Progress | None = None) -> AsyncIterator[Loaded]:
        """Hold a model in memory, loading it first if need be.

        Raises LoadFailed, DownloadFailed, InsufficientMemory, ShuttingDown.
        """
        loaded = await self._obtain(model, progress)
        try:
            self._workload.begin(loaded)
            self._evictor.evict_for_work(loaded)
            yield loaded
        finally:
            loaded.give()
            self._workload.end(loaded)
            self._evictor.rearm_ttl(model)

    async def load(self, model: Model) -> None:
        """Load a model now, even if its last load has just failed. Raises the errors of `lease`."""
        self._failures.forget(model.qualified)
        async with self.lease(model):
            pass

    async def unload(self, model: Model, *, force: bool = False) -> bool:
        """Free a model; return whether it was in memory. Raises ModelBusy if it is in use.

        `force` ends its requests with ModelUnloaded, after the call that runs.
        """
        async with self.emptied(model, force=force) as was_here:
            return was_here

    @asynccontextmanager
    async def emptied(self, model: Model, *, force: bool = False) -> AsyncIterator[bool]:
        """Unload a model and keep it out of memory for the block; requests for it wait until then."""
        name = model.qualified
        while event := self._emptied.get(name):
            await event.wait()
        self._emptied[name] = asyncio.Event()
        try:
            yield await self._empty(model, force=force)
        finally:
            self._emptied.pop(name).set()

    async def reload(self, model: Model) -> None:
        """Load a second instance of a model, try it out, then replace the first one with it.

        Requests go on meanwhile; the old instance is freed when its leases have ended. If the new one fails,
        the old one stays. Raises the errors of `lease`, and ModelBusy while an earlier instance still works.
        """
        await self._until_free(model)
        slot = self.loaded_models.slots.get(model.qualified)
        if slot is None or slot.loaded is None:
            await self.load(model)
            return
        if any(loaded.leases for loaded in self.loaded_models.leaving_of(model)):
            raise ModelBusy(f"The instance of '{model.id}' that was replaced before is still at work.")
        if slot.reload is None:
            slot.reload = asyncio.create_task(self._replace(slot), name=f"reload {model.id}")
            slot.reload.add_done_callback(retrieve_failure)
        await self._join(slot.reload)

    async def close(self) -> None:
        """Free every model. Requests that wait for one end with ShuttingDown."""
        self._closed = True
        slots = list(self.loaded_models.slots.values())
        tasks = [task for slot in slots for task in (slot.task, slot.reload) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for slot in slots:
            self._evictor.evict(slot, "unloaded", STOPPING)
        for loaded in self.loaded_models.leaving:
            loaded.free.set()
        await asyncio.gather(*self.loaded_models.leaving.values())
        await self._workload.close()

    async def _obtain(self, model: Model, progress: Progress | None) -> Loaded:
        """Join the load under way, or begin one. If a caller is cancelled, it goes on for the others."""
        while True:
            await self._until_free(model)
            slot = self.loaded_models.slots.get(model.qualified)
            if slot is None:
                self._failures.check(model.qualified)
                slot = self._begin(model, progress)
            slot.waiting += 1
            try:
                if slot.loaded is None and slot.task is not None:
                    await self._join(slot.task)
                if slot.loaded is not None and self.loaded_models.slots.get(model.qualified) is slot:
                    slot.loaded.take()
                    return slot.loaded
            finally:
                slot.waiting -= 1
                self._evictor.rearm_ttl(model)

    async def _until_free(self, model: Model) -> None:
        """Wait until the model may be loaded, and no earlier instance of it is being freed."""
        while True:
            if self._closed:
                raise ShuttingDown(STOPPING)
            if event := self._emptied.get(model.qualified):
                await event.wait()
            elif model.qualified in self.loaded_models.slots or not self.loaded_models.leaving_of(model):
                return
            else:
                await self.loaded_models.until_gone(model)

    def _begin(self, model: Model, progress: Progress | None) -> Slot:
        slot = Slot(model, lambda: self.load_settings.of(model).pinned)
        self.loaded_models.slots[model.qualified] = slot
        slot.task = asyncio.create_task(self._fill(slot, progress), name=f"load {model.id}")
        slot.task.add_done_callback(retrieve_failure)
        return slot

    async def _join(self, task: asyncio.Task[None]) -> None:
        """Wait for a load, which goes on if the caller is cancelled."""
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # by `close`, which does not cancel this caller
                raise ShuttingDown(STOPPING) from None
            raise

    async def _fill(self, slot: Slot, progress: Progress | None) -> None:
        """Load a model into its slot; remove the slot if that fails."""
        model = slot.model
        try:
            slot.loaded = await self._admission.load(model, progress)
        except BaseException as error:
            self.loaded_models.slots.pop(model.qualified, None)
            if isinstance(error, GovorError) and not isinstance(error, ModelNotInstalled):
                self._failures.add(model.qualified, error)
                self.loaded_models.note("failed", model, reason=str(error))
            raise
        self._failures.forget(model.qualified)
        self.loaded_models.note("loaded", model, slot.loaded.memory)
        log.info("Loaded '%s' in %.1f s: %.0f MB", model.id, slot.loaded.seconds, slot.loaded.memory / 1e6)
        self._evictor.rearm_ttl(model)

    async def _replace(self, slot: Slot) -> None:
        """Put a new instance into a slot, and free the old one."""
        try:
            new = await self._admission.load(slot.model, trial=True)
        except BaseException as error:
            slot.reload = None
            if isinstance(error, GovorError):
                self.loaded_models.note("failed", slot.model, reason=str(error))
            self._evictor.rearm_ttl(slot.model)
            raise
        slot.reload = None
        old, slot.loaded = slot.loaded, new
        self.loaded_models.note("reloaded", slot.model, new.memory)
        if old is not None:
            self._evictor.free(old)
        self._evictor.rearm_ttl(slot.model)

    async def _empty(self, model: Model, *, force: bool) -> bool:
        """Free every instance of a model; return whether there was one."""
        slot = self.loaded_models.slots.get(model.qualified)
        while force and slot and (task := slot.load_task):
            with suppress(GovorError):
                await self._join(task)
            slot = self.loaded_models.slots.get(model.qualified)
        leaving = self.loaded_models.leaving_of(model)
        if not force and ((slot and slot.busy) or any(loaded.leases for loaded in leaving)):
            raise ModelBusy(f"The model '{model.id}' is in use; `force` ends its requests.")
        for loaded in [*leaving, *([slot.loaded] if slot and slot.loaded else [])]:
            loaded.ending = ModelUnloaded(f"The model '{model.id}' was unloaded while it was at work.")
            loaded.free.set()
        if slot:
            self._evictor.evict(slot, "unloaded")
        await self.loaded_models.until_gone(model)
        return bool(slot or leaving)
