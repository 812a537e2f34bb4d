"""In any order of events, no model is closed while in use or loaded twice, and memory stays within its
budget.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from govor.audio.chunking import Chunk
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.engine.model_pool.pool import Loaded, Pool
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.tasks import InferenceTask
from govor.errors import InsufficientMemory, LoadFailed, ModelBusy, ModelUnloaded
from govor.models.catalogue import Model
from govor.settings.model import ModelSettings
from govor.testing import hum
from support.memories import MB, Family, Memory, pool_with

SIZES = {"a": 100, "b": 60, "c": 50, "d": 120}
BUDGET = 200
SECOND = hum(1.0)
EXPECTED = (InsufficientMemory, LoadFailed, ModelBusy, ModelUnloaded)
"""Allowed errors; any other is a fault."""

names = st.sampled_from(sorted(SIZES))


@dataclass(eq=False)
class Request:
    """Someone who holds a model until told to let go."""

    model: Model
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    held: Loaded | None = None
    texts: list[str] = field(default_factory=list)


class Interleavings(RuleBasedStateMachine):
    """A pool of four models, of which not all fit, and clients who do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.memory = Memory()
        self.family = Family(self.memory, sizes=SIZES, parallel=2)
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.pool: Pool = self.run(
            self.stack.enter_async_context(pool_with(Path(folder), self.family, BUDGET))
        )
        self.memory.entering = self.check_entry
        self.requests: list[Request] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.faults: list[str] = self.memory.faults

    def run(self, story: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(story, 20))

    def start(self, story: Coroutine[Any, Any, None]) -> None:
        """Have it done beside what else is under way."""

        async def guarded() -> None:
            try:
                await story
            except EXPECTED:
                pass
            except Exception as error:  # noqa: BLE001 - shown by the invariant
                self.faults.append(f"{type(error).__name__}: {error}")

        self.tasks.append(self.loop.create_task(guarded()))
        self.run(asyncio.sleep(0))

    def check_entry(self, spec: ModelSpec) -> None:
        """Notice a second instance that no reload brought. Runs in the thread that loads."""
        slot = self.pool.loaded_models.slots.get(f"family/{spec.id}")
        if self.memory.instances(spec.id) and (slot is None or slot.reload is None):
            self.faults.append(f"'{spec.id}' is there twice")

    @rule(name=names)
    def transcribe(self, name: str) -> None:
        request = Request(self.family.model(name))
        self.requests.append(request)
        self.start(self.serve(request))

    async def serve(self, request: Request) -> None:
        async with self.pool.lease(request.model) as loaded:
            request.held = loaded
            try:
                turn = InferenceTask(Chunk(SECOND, (0,), (0,)), Options(), FairShare())
                loaded.scheduler.submit(turn)
                request.texts = [segment.text async for segment in turn]
                if request.texts != ["1.0 seconds"]:
                    self.faults.append(f"'{request.model.id}' said {request.texts}")
                await request.let_go.wait()
            finally:
                request.held = None

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.requests), "request")
        self.requests.remove(request)
        request.let_go.set()
        self.run(asyncio.sleep(0))

    @rule(name=names)
    def unload(self, name: str) -> None:
        self.start(self.emptied(name, force=False))

    @rule(name=names)
    def delete(self, name: str) -> None:
        self.start(self.emptied(name, force=True))

    async def emptied(self, name: str, *, force: bool) -> None:
        async with self.pool.emptied(self.family.model(name), force=force):
            await asyncio.sleep(0.001)
            if self.memory.instances(name):
                self.faults.append(f"'{name}' is there while its files are deleted")

    @rule(name=names)
    def load(self, name: str) -> None:
        self.start(self.pool.load(self.family.model(name)))

    @rule(name=names)
    def reload(self, name: str) -> None:
        self.start(self.pool.reload(self.family.model(name)))

    @rule(name=names, ttl=st.sampled_from([-1, 0, 0.002]), pin=st.booleans())
    def wish(self, name: str, ttl: float, pin: bool) -> None:
        self.pool.load_settings.override(self.family.model(name), ModelSettings(ttl=ttl, pin=pin))

    @rule(broken=st.booleans())
    def disk(self, broken: bool) -> None:
        self.family.failure = LoadFailed("a bad sector") if broken else None

    @rule()
    def wait(self) -> None:
        self.run(asyncio.sleep(0.003))

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not self.faults
        assert self.memory.highest <= BUDGET * MB
        assert self.pool.loaded_models.used <= BUDGET * MB
        for request in self.requests:
            if request.held is not None and request.held.ending is None:
                assert request.held.leases > 0
                assert request.held in [*self.pool.loaded_models.instances()]

    async def end(self) -> None:
        await asyncio.gather(*self.tasks)
        await self.stack.aclose()

    def teardown(self) -> None:
        try:
            self.family.failure = None
            for request in self.requests:
                request.let_go.set()
            self.run(self.end())
            assert not self.faults
            assert [each.closed for each in self.memory.alive] == [1] * len(self.memory.alive)
            assert self.pool.loaded_models.used == 0
            assert not list(self.pool.loaded_models.instances())
            assert not asyncio.all_tasks(self.loop)
        finally:
            self.run(self.loop.shutdown_default_executor())
            self.loop.close()


def run_machine(examples: int, steps: int) -> None:
    limits = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Interleavings, settings=limits)


def test_no_order_of_requests_and_commands_breaks_the_rules() -> None:
    run_machine(60, 25)


@pytest.mark.slow
def test_a_thousand_orders_break_no_rule() -> None:
    run_machine(1000, 40)
