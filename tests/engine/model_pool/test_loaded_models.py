"""Models that stay in memory: time to live, budget, pins; refusals, and their messages."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from govor.engine.model_pool.load_backoff import LoadBackoff
from govor.engine.model_pool.pool import Pool
from govor.errors import InsufficientMemory, LoadFailed, ModelBusy, ModelUnloaded
from govor.models.catalogue import Model
from govor.models.files.store import Store
from govor.settings.model import ModelSettings
from govor.testing import FakeBackend
from support.memories import MB, Family, Memory, happened, here, pool_with, use
from support.waiting import soon


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def three(memory: Memory) -> Family:
    """Three models of 100 MB each."""
    return Family(memory, sizes={"a": 100, "b": 100, "c": 100})


async def test_the_least_recently_used_model_makes_way(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three, 200) as pool:
        for name in "abac":
            await use(pool, three.model(name))
        assert sorted(here(pool)) == ["a", "c"]
        assert ("evicted", "b") in happened(pool)
    assert three.memory.highest == 200 * MB


async def test_what_is_in_use_is_never_evicted(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three, 200) as pool, pool.lease(three.model("a")):
        await use(pool, three.model("b"))
        await use(pool, three.model("c"))
        assert sorted(here(pool)) == ["a", "c"]


async def test_what_is_pinned_is_never_evicted(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three, 200, ttl=0, a=ModelSettings(pin=True, ttl=-1)) as pool:
        for name in "abc":
            await use(pool, three.model(name))
        assert "a" in here(pool)


async def test_a_refusal_names_who_holds_the_memory_and_when_to_come_back(
    tmp_path: Path, three: Family
) -> None:
    async with pool_with(tmp_path, three, 200, b=ModelSettings(pin=True)) as pool:
        await use(pool, three.model("b"))
        async with pool.lease(three.model("a")):
            with pytest.raises(InsufficientMemory) as caught:
                await use(pool, three.model("c"))
        assert "'a' 100 MB (in use)" in str(caught.value)
        assert "'b' 100 MB (pinned)" in str(caught.value)
        assert caught.value.retry_after is not None
        assert pool.state(three.model("c")) == "installed"
        await use(pool, three.model("c"))


async def test_where_only_pinned_models_are_in_the_way_nobody_is_told_to_come_back(
    tmp_path: Path, three: Family
) -> None:
    pins = {name: ModelSettings(pin=True) for name in "ab"}
    async with pool_with(tmp_path, three, 200, **pins) as pool:
        for name in "ab":
            await use(pool, three.model(name))
        with pytest.raises(InsufficientMemory) as caught:
            await use(pool, three.model("c"))
        assert caught.value.retry_after is None


async def test_a_model_larger_than_the_budget_is_refused_and_evicts_nobody(
    tmp_path: Path, memory: Memory
) -> None:
    family = Family(memory, sizes={"small": 50, "huge": 500})
    async with pool_with(tmp_path, family, 100) as pool:
        await use(pool, family.model("small"))
        with pytest.raises(InsufficientMemory, match="'huge' takes about 500 MB, and models may take 100 MB"):
            await use(pool, family.model("huge"))
        assert here(pool) == ["small"]


async def test_two_at_once_for_the_last_room_leave_one_out(tmp_path: Path, three: Family) -> None:
    three.gate = threading.Event()
    async with pool_with(tmp_path, three, 100) as pool:
        asked = [asyncio.create_task(use(pool, three.model(name))) for name in "ab"]
        assert await soon(lambda: any(task.done() for task in asked))
        three.gate.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(result) for result in results} == {InsufficientMemory, type(None)}
    assert three.memory.highest == 100 * MB


async def test_what_a_model_took_counts_from_then_on_not_what_its_spec_says(
    tmp_path: Path, three: Family
) -> None:
    three.memory.sizes["a"] = 150 * MB
    async with pool_with(tmp_path, three, 240) as pool:
        await use(pool, three.model("a"))
        loaded = pool.loaded(three.model("a"))
        assert loaded is not None
        assert (loaded.memory, loaded.measured) == (150 * MB, True)
        await use(pool, three.model("b"))
        assert here(pool) == ["b"]


async def test_a_model_that_turns_out_too_large_is_freed_again(tmp_path: Path, three: Family) -> None:
    three.memory.sizes["a"] = 400 * MB
    async with pool_with(tmp_path, three, 200) as pool:
        with pytest.raises(InsufficientMemory, match="400 MB"):
            await use(pool, three.model("a"))
        assert here(pool) == []
        with pytest.raises(InsufficientMemory):
            await use(pool, three.model("a"))
    assert len(three.loads) == 1, "the second time it is known beforehand"


async def test_an_unused_model_leaves_after_its_time(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three, a=ModelSettings(ttl=0.05)) as pool:
        async with pool.lease(three.model("a")):
            await asyncio.sleep(0.1)
            assert here(pool) == ["a"]
        await use(pool, three.model("b"))
        assert await soon(lambda: here(pool) == ["b"])
        assert ("expired", "a") in happened(pool)


async def test_a_time_of_zero_frees_a_model_with_its_last_user(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three, ttl=0) as pool:
        model = three.model("a")
        async with pool.lease(model):
            await use(pool, model)
            assert here(pool) == ["a"]
        assert await soon(lambda: here(pool) == [])
        assert len(three.loads) == 1


async def test_a_pinned_model_has_no_time(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three, ttl=0, a=ModelSettings(pin=True)) as pool:
        await use(pool, three.model("a"))
        assert here(pool) == ["a"]


async def test_unloading_what_is_not_there_says_so(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three) as pool:
        assert await pool.unload(three.model("a")) is False
        await use(pool, three.model("a"))
        assert await pool.unload(three.model("a")) is True
        assert three.memory.bytes == 0


async def test_a_model_in_use_is_not_unloaded(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three) as pool:
        async with pool.lease(three.model("a")):
            with pytest.raises(ModelBusy, match="'a' is in use"):
                await pool.unload(three.model("a"))
            assert pool.leases(three.model("a")) == 1
        assert await pool.unload(three.model("a"))


async def test_force_ends_the_work_of_a_model(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three) as pool:
        async with pool.lease(three.model("a")) as loaded:
            assert await pool.unload(three.model("a"), force=True)
            assert isinstance(loaded.ending, ModelUnloaded)
        await use(pool, three.model("a"))
    assert len(three.loads) == 2


async def test_a_model_that_is_being_loaded_is_unloaded_by_force_only(tmp_path: Path, three: Family) -> None:
    three.gate = threading.Event()
    async with pool_with(tmp_path, three) as pool:
        waiting = asyncio.create_task(use(pool, three.model("a")))
        assert await soon(lambda: bool(three.loads))
        with pytest.raises(ModelBusy):
            await pool.unload(three.model("a"))
        ending = asyncio.create_task(pool.unload(three.model("a"), force=True))
        three.gate.set()
        assert await ending
        await waiting


async def test_who_asks_while_a_model_is_emptied_waits(tmp_path: Path, three: Family) -> None:
    async with pool_with(tmp_path, three) as pool:
        async with pool.emptied(three.model("a")):
            asked = asyncio.create_task(use(pool, three.model("a")))
            await asyncio.sleep(0)
            assert not three.loads
        await asked
    assert len(three.loads) == 1


async def test_a_failure_is_told_again_until_its_pause_is_over(tmp_path: Path) -> None:
    now = [0.0]
    backend = FakeBackend(failure=OSError("a bad sector"))
    model = Model("fake", "family", backend.specs[0], backend, ())
    pool = Pool(Store(tmp_path, offline=True), failures=LoadBackoff(pause=2, clock=lambda: now[0]))
    for moment, loads in ((0, 1), (1.9, 1), (2.1, 2), (6, 2), (6.2, 3)):
        now[0] = moment
        with pytest.raises(LoadFailed, match="a bad sector"):
            await use(pool, model)
        assert len(backend.loads) == loads
    with pytest.raises(LoadFailed):
        await pool.load(model)
    assert len(backend.loads) == 4, "whoever asks for the load itself does not wait"
    await pool.close()
