"""Models' working memory: measured while one works alone, counted while in use, given back."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from govor.engine.model_pool.loaded_models import Loaded, LoadedModels, Slot
from govor.engine.model_pool.process_memory import MemoryProbe
from govor.engine.model_pool.working_memory import WorkingMemory
from support.memories import MB, Family, Memory, pool_with, use
from support.waiting import soon


class Server:
    """A process whose memory the test sets, and models in it."""

    def __init__(self) -> None:
        self.bytes, self.tidied = 100, 0
        self.probe = MemoryProbe(lambda: self.bytes)
        self.loaded_models = LoadedModels(budget=0)
        self.load = WorkingMemory(self.loaded_models, self.probe, self.tidy, rest_seconds=0.0)
        self.family = Family(Memory(), sizes={"a": 1, "b": 1})

    def tidy(self) -> None:
        self.tidied += 1

    def loaded(self, name: str) -> Loaded:
        model = self.family.model(name)
        slot = Slot(model, lambda: False)
        slot.loaded = Loaded(model, None, memory=10)  # type: ignore[arg-type]
        self.loaded_models.slots[model.qualified] = slot
        return slot.loaded

    def begin(self, loaded: Loaded) -> None:
        loaded.take()
        self.load.begin(loaded)

    def end(self, loaded: Loaded) -> None:
        loaded.give()
        self.load.end(loaded)


async def test_the_most_that_a_model_alone_took_is_kept_and_counts_while_it_is_used() -> None:
    server = Server()
    model = server.loaded("a")
    server.begin(model)
    for server.bytes in (350, 150):
        server.load.look()
    assert (model.working, model.held, server.loaded_models.used) == (250, 260, 260)
    server.end(model)
    assert (model.working, model.held, server.loaded_models.used) == (250, 10, 10)
    await server.load.close()


async def test_of_two_that_work_at_once_nothing_is_said() -> None:
    server = Server()
    one, other = server.loaded("a"), server.loaded("b")
    for model in (one, other):
        server.begin(model)
    server.bytes = 900
    server.load.look()
    for model in (one, other):
        server.end(model)
    assert (one.working, other.working) == (0, 0)
    await server.load.close()


async def test_a_load_meanwhile_is_not_taken_for_work() -> None:
    server = Server()
    model = server.loaded("a")
    server.begin(model)
    with server.probe.disturb():
        server.bytes = 900
        server.load.look()
    server.load.look()
    server.end(model)
    assert model.working == 0
    await server.load.close()


async def test_memory_is_given_back_when_the_last_has_come_to_rest() -> None:
    server = Server()
    one, other = server.loaded("a"), server.loaded("b")
    for model in (one, other):
        server.begin(model)
    server.end(one)
    await asyncio.sleep(0)
    assert server.tidied == 0
    server.end(other)
    assert await soon(lambda: server.tidied == 1)
    await server.load.close()


async def test_what_is_kept_from_earlier_work_counts_to_the_next() -> None:
    server = Server()
    model = server.loaded("a")
    server.begin(model)
    server.end(model)
    await server.load.rest()
    server.bytes = 300  # heaps that are not given back yet
    server.begin(model)
    server.bytes = 320
    server.end(model)
    assert model.working == 220
    await server.load.close()


async def test_work_beyond_the_budget_sees_off_idle_models_and_is_itself_not_refused(tmp_path: Path) -> None:
    family = Family(Memory(), sizes={"a": 40, "b": 40})
    async with pool_with(tmp_path, family, 100) as pool, AsyncExitStack() as stack:
        a, b = family.model("a"), family.model("b")
        await use(pool, a)
        await use(pool, b)
        loaded = pool.loaded(a)
        assert loaded is not None
        loaded.working = 90 * MB
        await stack.enter_async_context(pool.lease(a))
        assert await soon(lambda: not family.memory.instances("b"))
        assert (pool.state(a), pool.loaded_models.used) == ("loaded", 130 * MB)
