"""How far requests read ahead: one chunk each, and what all of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from govor.engine.scheduling.read_ahead import ReadAheadPermits, RequestPermits


async def taken(readers: Iterable[RequestPermits], at_most: int = 20) -> list[asyncio.Task[None]]:
    """Let every reader take, one after the other, as often as it is let; return who still waits."""
    waiting = []
    for reader in readers:
        for _ in range(at_most):
            task = asyncio.create_task(reader.acquire())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not task.done():
                waiting.append(task)
                break
    return waiting


async def leave(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_every_request_has_one_and_all_share_the_rest() -> None:
    ahead = ReadAheadPermits(3, 0)
    readers = [ahead.for_request() for _ in range(10)]
    waiting = await taken(readers)
    assert [reader.held for reader in readers] == [4] + [1] * 9
    await leave(waiting)


async def test_a_request_whose_only_stretch_is_done_goes_on_without_a_permit() -> None:
    ahead = ReadAheadPermits(1, 0)
    greedy, modest = ahead.for_request(), ahead.for_request()
    waiting = await taken([greedy, modest])
    modest.release()
    await asyncio.sleep(0)
    assert (greedy.held, modest.held, waiting[1].done()) == (2, 1, True)
    await leave(waiting)


async def test_a_permit_goes_to_who_has_waited_longest() -> None:
    ahead = ReadAheadPermits(1, 0)
    first, second, third = (ahead.for_request() for _ in range(3))
    waiting = await taken([first, second, third])
    first.release()
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, False, False]  # the one who gave it was first in line
    first.release()
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, True, False]
    await leave(waiting)


async def test_one_who_leaves_takes_nothing_along() -> None:
    ahead = ReadAheadPermits(2, 0)
    first, second = ahead.for_request(), ahead.for_request()
    waiting = await taken([first, second])
    await leave(waiting)
    for reader in (first, second):
        while reader.held:
            reader.release()
    waiting = await taken([second])
    assert second.held == 3
    await leave(waiting)


async def test_one_who_leaves_just_when_let_in_gives_it_back() -> None:
    ahead = ReadAheadPermits(0, 0)
    reader = ahead.for_request()
    await reader.acquire()
    leaving = asyncio.create_task(reader.acquire())
    await asyncio.sleep(0)
    reader.release()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert reader.held == 0
    await asyncio.wait_for(reader.acquire(), 1)


def test_rooms_are_for_the_first_who_ask_until_they_leave() -> None:
    ahead = ReadAheadPermits(0, 2)
    readers = [ahead.for_request() for _ in range(3)]
    assert [reader.may_hold_long() for reader in readers] == [True, True, False]
    assert readers[0].may_hold_long()
    readers[0].close()
    assert [reader.may_hold_long() for reader in readers] == [False, True, True]


def test_who_left_without_a_room_frees_none() -> None:
    ahead = ReadAheadPermits(0, 1)
    readers = [ahead.for_request() for _ in range(3)]
    assert readers[0].may_hold_long()
    readers[1].close()
    readers[1].close()
    assert not readers[2].may_hold_long()
