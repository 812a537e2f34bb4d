"""Unloads models: after their time without use, to make room for another, or on request."""

from __future__ import annotations

import asyncio
import logging

from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.loaded_models import Loaded, LoadedModels, ModelChange, Slot
from govor.engine.model_pool.process_memory import MemoryProbe, give_back
from govor.models.catalogue import Model

log = logging.getLogger(__name__)


class Evictor:
    """Unloads models. All methods run in the event loop."""

    def __init__(self, loaded_models: LoadedModels, load_settings: LoadSettingsTable, probe: MemoryProbe):
        self._loaded_models = loaded_models
        self._load_settings = load_settings
        self._probe = probe

    def rearm_ttl(self, model: Model) -> None:
        """Start the time without use of a model anew; if it is in use, stop it."""
        slot = self._loaded_models.slots.get(model.qualified)
        if slot is None:
            return
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        settings = self._load_settings.of(model)
        if slot.busy or settings.pinned or settings.ttl < 0:
            return
        if settings.ttl == 0:
            self.evict(slot, "expired")
        else:
            slot.timer = asyncio.get_running_loop().call_later(settings.ttl, self._expire, slot)

    def evict(self, slot: Slot, what: ModelChange, reason: str = "") -> None:
        """Take a model out of its slot, if it still has that slot, and free it once it has no lease."""
        if self._loaded_models.slots.get(slot.model.qualified) is not slot:
            return
        if slot.timer is not None:
            slot.timer.cancel()
        del self._loaded_models.slots[slot.model.qualified]
        if slot.loaded is not None:
            why = ": ".join(part for part in (what, reason) if part and part != "unloaded")
            log.info("'%s' is unloaded%s", slot.model.id, f", {why}" if why else "")
            self._loaded_models.note(what, slot.model, slot.loaded.memory, reason)
            self.free(slot.loaded)

    def free(self, loaded: Loaded) -> asyncio.Task[None]:
        """Free an instance without a slot once it has no lease."""
        task = asyncio.create_task(self._free(loaded), name=f"free {loaded.model.id}")
        self._loaded_models.leaving[loaded] = task
        return task

    async def make_room(self, model: Model, need: int) -> None:
        """Return once `need` more bytes fit; the least recently used models are evicted for them.

        The caller must reserve the bytes before it awaits anything else. Raises InsufficientMemory.
        """
        while self._loaded_models.lacking(need) > 0:
            self._loaded_models.check_room(model, need)
            if self._loaded_models.lacking(need) > self._loaded_models.soon_free():
                self.evict(self._loaded_models.victims()[0], "evicted", f"to make room for '{model.id}'")
                continue
            closing = [task for loaded, task in self._loaded_models.leaving.items() if not loaded.leases]
            await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)

    def evict_for_work(self, loaded: Loaded) -> None:
        """Evict unused models while a model's working memory exceeds the budget; work is never refused."""
        loaded_models = self._loaded_models
        while loaded_models.lacking(0) > loaded_models.soon_free() and (victims := loaded_models.victims()):
            self.evict(victims[0], "evicted", f"to make room for the work of '{loaded.model.id}'")

    def _expire(self, slot: Slot) -> None:
        if not slot.busy:
            self.evict(slot, "expired")

    async def _free(self, loaded: Loaded) -> None:
        """Wait until an instance has no lease, then close it. Its memory counts until then."""
        try:
            await loaded.free.wait()
            with self._probe.disturb():
                await loaded.scheduler.close(loaded.ending)
                await asyncio.to_thread(give_back)
        finally:
            del self._loaded_models.leaving[loaded]
