"""How models come into memory: files first, then room, then the load, then whether it fits after all."""

from __future__ import annotations

import asyncio

from govor.engine.model_pool.eviction import Departures
from govor.engine.model_pool.load_settings import Wishes
from govor.engine.model_pool.loaded_models import Loaded, Residence
from govor.engine.model_pool.loading import Loader
from govor.models.catalogue import Model
from govor.models.download.progress import Progress
from govor.models.files.store import Store


class Arrivals:
    """Brings instances of models. Runs in the event loop."""

    def __init__(
        self, store: Store, wishes: Wishes, residence: Residence, departures: Departures, loader: Loader
    ):
        self._store = store
        self._wishes = wishes
        self._residence = residence
        self._departures = departures
        self._loader = loader

    def check_room(self, model: Model) -> None:
        """Raise InsufficientMemory where there is no room for what a model is thought to take."""
        need = self._loader.estimate(model, self._store.folder(model))
        if self._residence.lacking(need) > 0:
            self._residence.check_room(model, need)

    async def bring(self, model: Model, progress: Progress | None = None, *, trial: bool = False) -> Loaded:
        """Load a model once there is room for it. Raises InsufficientMemory, and whatever loading raises.

        Whoever calls gives it a place before awaiting anything else.
        """
        folder = await asyncio.to_thread(self._store.install, model, progress)
        need, ticket = self._loader.estimate(model, folder), object()
        await self._departures.make_room(model, need)
        self._residence.reserved[ticket] = need
        try:
            wish = self._wishes.of(model).placement
            loaded = await self._loader.open(model, folder, wish, trial=trial)
        finally:
            del self._residence.reserved[ticket]
        try:
            await self._departures.make_room(model, loaded.memory)  # it may be more than was thought
        except BaseException:
            await asyncio.shield(self._departures.leave(loaded))
            raise
        return loaded
