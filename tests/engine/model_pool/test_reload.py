"""A model replaced while it works: no request fails; the old one stays where the new one does not load."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from govor.errors import InsufficientMemory, LoadFailed, ModelBusy
from govor.settings.model import ModelSettings
from support.memories import Family, Memory, happened, here, pool_with, use
from support.waiting import soon


@pytest.fixture
def family() -> Family:
    return Family(Memory(), sizes={"a": 100, "b": 100})


async def test_the_new_one_is_tried_before_it_answers(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        await use(pool, model)
        await pool.reload(model)
        old, new = family.memory.alive
        assert await soon(lambda: (old.closed, new.closed) == (1, 0))
        assert [call.seconds for call in new.calls] == [(1.0,)]
        assert ("reloaded", "a") in happened(pool)


async def test_who_uses_the_old_one_keeps_it_until_done(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        async with pool.lease(model) as before:
            await pool.reload(model)
            async with pool.lease(model) as after:
                assert after is not before
            assert [each.closed for each in family.memory.alive] == [0, 0]
            assert pool.leases(model) == 1
        assert await soon(lambda: [each.closed for each in family.memory.alive] == [1, 0])


async def test_requests_go_on_while_the_new_one_is_loaded(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        await use(pool, model)
        family.gate = threading.Event()
        reloading = asyncio.create_task(pool.reload(model))
        assert await soon(lambda: len(family.loads) == 2)
        await use(pool, model)
        assert pool.state(model) == "loaded"
        family.gate.set()
        await reloading


async def test_the_old_one_stays_where_the_new_one_fails(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        async with pool.lease(model) as before:
            pass
        family.failure = OSError("a bad sector")
        with pytest.raises(LoadFailed, match="a bad sector"):
            await pool.reload(model)
        async with pool.lease(model) as after:
            assert after is before
        assert pool.state(model) == "loaded"


async def test_a_new_one_that_fails_its_trial_is_closed(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        await use(pool, model)
        family.memory.failure = RuntimeError("hears nothing")
        with pytest.raises(LoadFailed, match="hears nothing"):
            await pool.reload(model)
        assert [each.closed for each in family.memory.alive] == [0, 1]


async def test_both_count_while_both_are_there(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family, 150) as pool:
        model = family.model("a")
        await use(pool, model)
        with pytest.raises(InsufficientMemory, match=r"held by 'a' 100 MB"):
            await pool.reload(model)
        assert here(pool) == ["a"]
    async with pool_with(tmp_path, family, 200) as pool:
        for name in "ba":
            await use(pool, family.model(name))
        await pool.reload(family.model("a"))
        assert await soon(lambda: here(pool) == ["a"]), "the idle one made room"


async def test_a_model_that_is_not_loaded_is_just_loaded(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        await pool.reload(family.model("a"))
        assert here(pool) == ["a"]
    assert len(family.loads) == 1


async def test_a_model_that_nobody_uses_may_expire_as_soon_as_it_is_replaced(
    tmp_path: Path, family: Family
) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        await use(pool, model)
        pool.load_settings.override(model, ModelSettings(ttl=0))
        await pool.reload(model)
        assert await soon(lambda: here(pool) == [])
    assert [each.closed for each in family.memory.alive] == [1, 1]
    assert not family.memory.faults


async def test_two_reloads_at_once_are_one(tmp_path: Path, family: Family) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        await use(pool, model)
        await asyncio.gather(pool.reload(model), pool.reload(model))
    assert len(family.loads) == 2


async def test_no_third_instance_is_loaded_while_the_first_still_works(
    tmp_path: Path, family: Family
) -> None:
    async with pool_with(tmp_path, family) as pool:
        model = family.model("a")
        async with pool.lease(model):
            await pool.reload(model)
            with pytest.raises(ModelBusy, match="still at work"):
                await pool.reload(model)
