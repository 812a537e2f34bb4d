"""Loads models within the memory budget: make room, load, check the measured size."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from govor.contract.machine.loading import DERIVED
from govor.contract.workers import Worker
from govor.engine.model_pool.eviction import Evictor
from govor.engine.model_pool.load_backoff import LoadBackoff
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.loaded_models import Loaded, LoadedModels, Opened
from govor.engine.model_pool.loading import Loader
from govor.errors import GovorError, LoadFailed, ModelNotInstalled
from govor.models.catalogue import Model
from govor.models.download.progress import Progress
from govor.models.files.store import Store
from govor.models.files.verify import find_damage


class MemoryAdmission:
    """Loads instances of models if they fit. Runs in the event loop."""

    def __init__(
        self,
        store: Store,
        load_settings: LoadSettingsTable,
        loaded_models: LoadedModels,
        evictor: Evictor,
        loader: Loader,
        failures: LoadBackoff,
    ):
        self._store = store
        self._load_settings = load_settings
        self._loaded_models = loaded_models
        self._evictor = evictor
        self._loader = loader
        self._failures = failures

    def check_room(self, model: Model) -> None:
        """Raise InsufficientMemory if there is no room for the estimated memory of a model."""
        model = model.in_precision(self._load_settings.of(model).runtime.precision)
        need = self._loader.estimate(model, self._store.folder(model))
        if self._loaded_models.lacking(need) > 0:
            self._loaded_models.check_room(model, need)

    async def load(self, model: Model, progress: Progress | None = None, *, trial: bool = False) -> Loaded:
        """Load a model once there is room for it.

        Unless the settings allow it, nothing is fetched: the model may have been deleted a moment ago.

        The caller must put the instance into a slot before it awaits anything else. Raises ModelNotInstalled,
        InsufficientMemory and the errors of the load.
        """
        opened = await self._open(model, progress, trial=trial)
        loaded = self._loader.schedule(model, opened)
        loaded.scheduler.recover(partial(self._reopen, loaded), partial(self._give_up, loaded))
        try:
            await self._evictor.make_room(model, loaded.memory)  # it may be more than the estimate
        except BaseException:
            await asyncio.shield(self._evictor.free(loaded))
            raise
        return loaded

    async def _open(self, model: Model, progress: Progress | None, *, trial: bool) -> Opened:
        runtime = self._load_settings.of(model).runtime
        model = model.in_precision(runtime.precision)
        folder = await asyncio.to_thread(self._files, model, progress)
        need, ticket = self._loader.estimate(model, folder), object()
        await self._evictor.make_room(model, need)
        self._loaded_models.reserved[ticket] = need
        try:
            derived = await asyncio.to_thread(self._store.derived_folder, model)
            with self._loaded_models.loading(model), _derived_into(derived):
                return await self._loader.open(model, folder, runtime, trial=trial)
        except LoadFailed as error:
            if damaged := await asyncio.to_thread(find_damage, self._store, model):
                raise LoadFailed(
                    f"The model '{model.id}' cannot be loaded, as its files are damaged: "
                    f"{', '.join(damaged)}. `govor pull {model.id}` fetches them again."
                ) from error
            raise
        finally:
            del self._loaded_models.reserved[ticket]

    async def _reopen(self, loaded: Loaded, lost: GovorError) -> Worker:
        """Load the model of an instance whose worker was lost and closed. Raises the errors of `load`."""
        model = loaded.model
        loaded.lost, loaded.memory = True, 0
        self._loaded_models.note("failed", model, reason=str(lost))
        new = await self._open(model, None, trial=False)
        loaded.put(new)
        self._loaded_models.note("reloaded", model, new.memory)
        return new.worker

    async def _give_up(self, loaded: Loaded, error: GovorError) -> None:
        """Unload an instance whose model was lost for good; its requests end with the error."""
        slot = self._loaded_models.slots.get(loaded.model.qualified)
        if slot and slot.reload:  # the instance that replaces it may yet load
            await asyncio.wait({slot.reload})
        loaded.ending = error
        loaded.free.set()
        if slot and slot.loaded is loaded:
            self._failures.add(loaded.model.qualified, error)
            self._evictor.evict(slot, "failed", str(error))

    def _files(self, model: Model, progress: Progress | None) -> Path:
        absent = not model.spec.folder and self._store.state(model) == "available"
        if absent and not self._load_settings.may_fetch:
            raise ModelNotInstalled(model.id)
        return self._store.install(model, progress)


@contextmanager
def _derived_into(folder: Path) -> Iterator[None]:
    """Let plugins keep derived files in a folder, in this block and in the threads that it starts."""
    token = DERIVED.set(folder)
    try:
        yield
    finally:
        DERIVED.reset(token)
