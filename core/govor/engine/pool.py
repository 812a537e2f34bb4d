"""Loaded models: each loaded once, by whoever asks first, and leased while in use."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from govor.engine.budget import Budget
from govor.engine.lane import STOPPING, Lane
from govor.errors import GovorError, LoadFailed, ShuttingDown
from govor.models.catalogue import Model
from govor.models.store import Progress, Store
from govor.types import LongForm, Placement, Recognizer

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

    def __init__(self, store: Store, device: str, budget: Budget | None = None):
        self._store = store
        self._device = device
        self._budget = budget
        self._closed = False
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
        """Hold a model in memory, loading it first if need be.

        Raises LoadFailed, DownloadFailed, ShuttingDown.
        """
        loaded = await self._get(model, progress)
        loaded.leases += 1
        try:
            yield loaded
        finally:
            loaded.leases -= 1

    async def close(self) -> None:
        """Free every model; those who wait for one are told that the server is stopping."""
        self._closed = True
        loads, self._loads = self._loads, {}
        for load in loads.values():
            load.cancel()
        results = await asyncio.gather(*loads.values(), return_exceptions=True)
        await asyncio.gather(*(result.lane.close() for result in results if isinstance(result, Loaded)))

    async def _get(self, model: Model, progress: Progress | None) -> Loaded:
        """Join the load under way, or begin one. One caller's leaving does not stop it for the others."""
        if self._closed:
            raise ShuttingDown(STOPPING)
        load = self._loads.get(model.qualified)
        if load is None:
            load = asyncio.create_task(self._load(model, progress), name=f"load {model.id}")
            self._loads[model.qualified] = load
        try:
            return await asyncio.shield(load)
        except asyncio.CancelledError:
            if load.cancelled():  # by `close`: it is not this caller who was
                raise ShuttingDown(STOPPING) from None
            raise

    async def _load(self, model: Model, progress: Progress | None) -> Loaded:
        began = time.monotonic()
        try:
            recognizer = await asyncio.to_thread(self._read, model, progress)
            lane = Lane(recognizer, model.id, self._budget)
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
        return Loaded(model, lane, isinstance(recognizer, LongForm))

    def _read(self, model: Model, progress: Progress | None) -> Recognizer:
        folder = self._store.install(model, progress or (lambda done, total: None))
        try:
            recognizer = model.backend.load(model.spec, folder, Placement(self._device))
        except (StopIteration, SystemExit, CancelledError) as error:
            # The first cannot be carried by asyncio's Futures; the others would end the server, or this load.
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        if self._closed:
            recognizer.close()  # whoever wanted it has been sent away
            raise ShuttingDown(STOPPING)
        return recognizer

    def _fail(self, model: Model, error: GovorError) -> None:
        self._failures[model.qualified] = str(error)
        self._loads.pop(model.qualified, None)
