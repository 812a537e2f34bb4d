"""The voice detector of a service: a model like any other, or the core's own if there is none."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from govor.audio.energy import EnergyDetector
from govor.contract.models import ModelKind
from govor.contract.recognizers import VoiceDetector
from govor.engine.model_pool.pool import Pool
from govor.errors import GovorError, ShuttingDown
from govor.models.catalogue import Catalogue, Model

log = logging.getLogger(__name__)


class VoiceDetectors:
    """Chooses the detector for each request: the first model that is installed and loads."""

    def __init__(self, catalogue: Catalogue, pool: Pool, fetch: Callable[[Model], Awaitable[None]]):
        """`fetch` fetches the files of a model if the settings allow it and they are missing."""
        self._catalogue = catalogue
        self._pool = pool
        self._fetch = fetch
        self._energy = EnergyDetector()
        self._used = ""
        self._faults: dict[str, str] = {}

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[VoiceDetector]:
        """Hold a detector in memory. If no model can be had, it is the energy detector, and the log says why.

        Raises ShuttingDown.
        """
        async with AsyncExitStack() as stack:
            for model in self._catalogue.of_kind(ModelKind.VAD):
                try:
                    if self._pool.loaded(model) is None:
                        await self._fetch(model)
                    loaded = await stack.enter_async_context(self._pool.lease(model))
                except ShuttingDown:
                    raise
                except GovorError as error:
                    self._note_fault(model, str(error))
                    continue
                self._faults.pop(model.qualified, None)
                self._note_use(model.id)
                yield cast("VoiceDetector", loaded.instance)
                return
            self._note_use("energy")
            yield self._energy

    def _note_use(self, name: str) -> None:
        if name != self._used:
            self._used = name
            log.info("Voice detection by '%s'", name)

    def _note_fault(self, model: Model, fault: str) -> None:
        if self._faults.get(model.qualified) != fault:
            self._faults[model.qualified] = fault
            log.warning("Voice detection by '%s' is not possible: %s", model.id, fault)
