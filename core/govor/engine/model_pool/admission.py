"""Loads models within the memory budget: make room, load, check the measured size."""

from __future__ import annotations

import asyncio
from pathlib import Path

from govor.engine.model_pool.eviction import Evictor
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.loaded_models import Loaded, LoadedModels
from govor.engine.model_pool.loading import Loader
from govor.errors import ModelNotInstalled
from govor.models.catalogue import Model
from govor.models.download.progress import Progress
from govor.models.files.store import Store


class MemoryAdmission:
    """Loads instances of models if they fit. Runs in the event loop."""

    def __init__(
        self,
        store: Store,
        load_settings: LoadSettingsTable,
        loaded_models: LoadedModels,
        evictor: Evictor,
        loader: Loader,
    ):
        self._store = store
        self._load_settings = load_settings
        self._loaded_models = loaded_models
        self._evictor = evictor
        self._loader = loader

    def check_room(self, model: Model) -> None:
        """Raise InsufficientMemory if there is no room for the estimated memory of a model."""
        need = self._loader.estimate(model, self._store.folder(model))
        if self._loaded_models.lacking(need) > 0:
            self._loaded_models.check_room(model, need)

    async def load(self, model: Model, progress: Progress | None = None, *, trial: bool = False) -> Loaded:
        """Load a model once there is room for it.

        Unless the settings allow it, nothing is fetched: the model may have been deleted a moment ago.

        The caller must put the instance into a slot before it awaits anything else. Raises ModelNotInstalled,
        InsufficientMemory and the errors of the load.
        """
        folder = await asyncio.to_thread(self._files, model, progress)
        need, ticket = self._loader.estimate(model, folder), object()
        await self._evictor.make_room(model, need)
        self._loaded_models.reserved[ticket] = need
        try:
            runtime = self._load_settings.of(model).runtime
            loaded = await self._loader.open(model, folder, runtime, trial=trial)
        finally:
            del self._loaded_models.reserved[ticket]
        try:
            await self._evictor.make_room(model, loaded.memory)  # it may be more than the estimate
        except BaseException:
            await asyncio.shield(self._evictor.free(loaded))
            raise
        return loaded

    def _files(self, model: Model, progress: Progress | None) -> Path:
        absent = not model.spec.folder and self._store.state(model) == "available"
        if absent and not self._load_settings.may_fetch:
            raise ModelNotInstalled(model.id)
        return self._store.install(model, progress)
