"""Loaded models: each loaded once, by whoever asks first, and leased while in use."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from govor.engine.lane import Lane
from govor.errors import GovorError, LoadFailed
from govor.models.catalogue import Model
from govor.models.store import Progress, Store
from govor.types import LongForm, Recognizer

log = logging.getLogger(__name__)

State = Literal["available", "installed", "loading", "loaded", "failed"]


@dataclass(slots=True)
class Loaded:
    """A model in memory and the lane that feeds it."""

    model: Model
    lane: Lane
    long_form: bool
    leases: int = 0


class Pool:
    """The models in memory. All methods run in the event loop."""

    def __init__(self, store: Store, device: str):
        self._store = store
        self._device = device
        self._loads: dict[str, asyncio.Task[Loaded]] = {}
        self._failures: dict[str, str] = {}

    def state(self, model: Model) -> State:
        """Where in its life a model is."""
        load = self._loads.get(model.qualified)
        if load is not None:
            return "loaded" if load.done() else "loading"
        if model.qualified in self._failures:
            return "failed"
        return self._store.state(model)

    def failure(self, model: Model) -> str | None:
        """Why the last attempt to load failed."""
        return self._failures.get(model.qualified)

    @asynccontextmanager
    async def lease(self, model: Model, progress: Progress | None = None) -> AsyncIterator[Loaded]:
        """Hold a model in memory, loading it first if need be. Raises LoadFailed or DownloadFailed."""
        loaded = await self._get(model, progress)
        loaded.leases += 1
        try:
            yield loaded
        finally:
            loaded.leases -= 1

    async def close(self) -> None:
        """Free every model."""
        loads, self._loads = self._loads, {}
        for load in loads.values():
            load.cancel()
        for result in await asyncio.gather(*loads.values(), return_exceptions=True):
            if isinstance(result, Loaded):
                await result.lane.close()

    async def _get(self, model: Model, progress: Progress | None) -> Loaded:
        """Join the load under way, or begin one. One caller's leaving does not stop it for the others."""
        load = self._loads.get(model.qualified)
        if load is None:
            load = asyncio.create_task(self._load(model, progress), name=f"load {model.id}")
            self._loads[model.qualified] = load
        return await asyncio.shield(load)

    async def _load(self, model: Model, progress: Progress | None) -> Loaded:
        began = time.monotonic()
        try:
            recognizer = await asyncio.to_thread(self._read, model, progress)
        except GovorError as error:
            self._fail(model, error)
            raise
        except Exception as error:
            log.exception("Loading '%s' failed", model.id)
            failure = LoadFailed(f"The model '{model.id}' cannot be loaded: {type(error).__name__}: {error}")
            self._fail(model, failure)
            raise failure from error
        self._failures.pop(model.qualified, None)
        log.info("Loaded '%s' in %.1f s", model.id, time.monotonic() - began)
        return Loaded(model, Lane(recognizer, model.id), isinstance(recognizer, LongForm))

    def _read(self, model: Model, progress: Progress | None) -> Recognizer:
        folder = self._store.install(model, progress or (lambda done, total: None))
        return model.backend.load(model.spec, folder, self._device)

    def _fail(self, model: Model, error: GovorError) -> None:
        self._failures[model.qualified] = str(error)
        self._loads.pop(model.qualified, None)
