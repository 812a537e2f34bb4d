"""Families of fakes that take memory: a probe that counts it, and pools that use the probe."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options, Recognizer
from govor.contract.results import Segment
from govor.engine.model_pool.load_backoff import LoadBackoff
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.pool import Pool
from govor.engine.model_pool.process_memory import MemoryProbe
from govor.models.catalogue import Model
from govor.models.files.store import Store
from govor.settings.model import ModelSettings
from govor.testing import FakeBackend, FakeRecognizer

MB = 10**6


class Watched(FakeRecognizer):
    """A fake that notices two faults: being closed during a call, or twice."""

    def __init__(self, spec: ModelSpec, faults: list[str], **kwargs: Any):
        super().__init__(spec, **kwargs)
        self.faults = faults
        self._calls = 0
        self._lock = threading.Lock()

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        with self._lock:
            self._calls += 1
            if self.closed:
                self.faults.append(f"'{self.spec.id}' was called after it was closed")
        try:
            return super().transcribe(batch, options)
        finally:
            with self._lock:
                self._calls -= 1

    def close(self) -> None:
        with self._lock:
            if self._calls or self.closed:
                self.faults.append(f"'{self.spec.id}' was closed in use, or twice")
            super().close()


class Memory:
    """The memory of all fakes together: each takes its spec's memory, unless `sizes` has another."""

    def __init__(self) -> None:
        self.alive: list[FakeRecognizer] = []
        self.faults: list[str] = []
        self.entering: Callable[[ModelSpec], None] = lambda spec: None
        """Called before each instance is made."""
        self.highest = 0
        self.failure: Exception | None = None
        """The error that calls of new instances raise."""
        self.sizes: dict[str, int] = {}
        """Real sizes of models that differ from their specs'."""

    @property
    def bytes(self) -> int:
        """Bytes of all instances that are not closed."""
        return sum(self.size(instance.spec) for instance in self.alive if not instance.closed)

    def size(self, spec: ModelSpec) -> int:
        return self.sizes.get(spec.id, spec.memory)

    def instances(self, name: str) -> list[FakeRecognizer]:
        """Return the instances of a model that are not closed."""
        return [each for each in self.alive if each.spec.id == name and not each.closed]

    def enter(self, spec: ModelSpec, **kwargs: Any) -> FakeRecognizer:
        """Make an instance."""
        self.entering(spec)
        instance = Watched(spec, self.faults, failure=self.failure, **kwargs)
        self.alive.append(instance)
        self.highest = max(self.highest, self.bytes)
        return instance


class Family(FakeBackend):
    """Models that take so many MB, and whose instances are counted."""

    def __init__(self, memory: Memory, /, **kwargs: Any):
        sizes: Mapping[str, float] = kwargs.pop("sizes")
        parallel = kwargs.pop("parallel", 1)
        specs = [ModelSpec(name, memory=int(size * MB)) for name, size in sizes.items()]

        def recognizer(spec: ModelSpec) -> Recognizer:
            return memory.enter(spec, parallel=parallel)

        super().__init__(*specs, recognizer=recognizer, **kwargs)
        self.memory = memory

    def model(self, name: str) -> Model:
        """One of its models."""
        spec = next(spec for spec in self.specs if spec.id == name)
        return Model(spec.id, "family", spec, self, ())


@asynccontextmanager
async def pool_with(
    folder: Path, family: Family, budget: float = 0, *, ttl: float = -1, **tables: ModelSettings
) -> AsyncIterator[Pool]:
    """A pool of `budget` MB; closed when the block ends."""
    load_settings = LoadSettingsTable("cpu", ttl, tables)
    probe = MemoryProbe(lambda: family.memory.bytes)
    pool = Pool(
        Store(folder, offline=True),
        load_settings,
        int(budget * MB),
        probe=probe,
        failures=LoadBackoff(pause=0),
    )
    try:
        yield pool
    finally:
        await pool.close()


async def use(pool: Pool, model: Model) -> None:
    """Hold the model for a moment."""
    async with pool.lease(model):
        pass


def here(pool: Pool) -> list[str]:
    """Return the ids of the models in memory."""
    return [loaded.model.id for loaded in pool.loaded_models.instances()]


def happened(pool: Pool) -> list[tuple[str, str]]:
    """Return the events of the models."""
    return [(event.what, event.model) for event in pool.loaded_models.history]
