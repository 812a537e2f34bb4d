"""Several readers of one source: each gets every block, and each block is read once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from govor.engine.sources.shared_blocks import AHEAD, Block, BlockReader, SharedBlocks
from govor.errors import InvalidAudio

Shared = tuple[SharedBlocks, list[int]]


def numbered(count: int, error: Exception | None = None) -> Shared:
    """Return shared blocks of which each holds its number, and the list of the numbers that were read."""
    read: list[int] = []

    async def source() -> Block | None:
        await asyncio.sleep(0)
        if len(read) == count:
            if error is not None:
                raise error
            return None
        read.append(len(read))
        return (np.array([read[-1]], np.float32),)

    return SharedBlocks(source), read


async def rest(reader: BlockReader) -> list[int]:
    found = []
    while (block := await reader.next()) is not None:
        found.append(int(block[0][0]))
    return found


async def settled(ready: Callable[[], bool]) -> bool:
    """Let all tasks go on until they wait; return whether something is so then."""
    for _ in range(100):
        await asyncio.sleep(0)
    return ready()


async def test_each_reader_gets_every_block_and_each_is_read_once() -> None:
    shared, read = numbered(20)
    readers = [shared.reader() for _ in range(3)]
    shared.begin()
    assert await asyncio.gather(*map(rest, readers)) == [list(range(20))] * 3
    assert read == list(range(20))


async def test_a_reader_is_held_back_by_a_slower_one() -> None:
    shared, read = numbered(20)
    fast, slow = shared.reader(), shared.reader()
    shared.begin()
    reading = asyncio.create_task(rest(fast))
    assert await settled(lambda: len(read) == AHEAD)
    await slow.next()
    assert await settled(lambda: len(read) == AHEAD + 1)
    assert shared.held == AHEAD
    assert await rest(slow) == list(range(1, 20))
    assert await reading == list(range(20))


async def test_a_reader_that_ends_holds_no_other_back() -> None:
    shared, _ = numbered(20)
    fast, slow = shared.reader(), shared.reader()
    shared.begin()
    reading = asyncio.create_task(rest(fast))
    await settled(lambda: False)
    slow.close()
    assert await reading == list(range(20))
    assert await slow.next() is None
    assert shared.held == 0


async def test_a_reader_that_is_cancelled_costs_the_others_no_block() -> None:
    gate = asyncio.Event()
    given = iter([(np.zeros(1, np.float32),), None])

    async def source() -> Block | None:
        await gate.wait()
        return next(given)

    shared = SharedBlocks(source)
    first, second = shared.reader(), shared.reader()
    shared.begin()
    leaving, staying = asyncio.create_task(first.next()), asyncio.create_task(second.next())
    await settled(lambda: False)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    first.close()
    gate.set()
    assert await staying is not None
    assert await second.next() is None


async def test_an_error_of_the_source_reaches_every_reader_after_the_blocks_before_it() -> None:
    shared, _ = numbered(2, InvalidAudio("torn"))
    readers = [shared.reader(), shared.reader()]
    shared.begin()
    for reader in readers:
        assert await reader.next() is not None
        assert await reader.next() is not None
    for reader in readers:
        with pytest.raises(InvalidAudio, match="torn"):
            await reader.next()


async def test_until_it_begins_a_later_reader_gets_all_blocks() -> None:
    shared, read = numbered(20)
    early = shared.reader()
    for _ in range(10):
        await early.next()
    early.close()
    late = shared.reader()
    shared.begin()
    assert await rest(late) == list(range(20))
    assert read == list(range(20))


async def test_few_blocks_are_held_however_many_there_are() -> None:
    shared, _ = numbered(500)
    readers = [shared.reader() for _ in range(2)]
    shared.begin()
    most = 0

    async def follow(reader: BlockReader, pause: int) -> None:
        nonlocal most
        while await reader.next() is not None:
            most = max(most, shared.held)
            for _ in range(pause):
                await asyncio.sleep(0)

    await asyncio.gather(*(follow(reader, pause) for reader, pause in zip(readers, (0, 30), strict=True)))
    assert most == AHEAD


async def test_closing_ends_readers_that_wait() -> None:
    async def endless() -> Block | None:
        await asyncio.Event().wait()
        return None

    shared = SharedBlocks(endless)
    readers = [shared.reader() for _ in range(2)]
    waiting = [asyncio.create_task(reader.next()) for reader in readers]
    await settled(lambda: False)
    shared.close()
    assert await asyncio.gather(*waiting) == [None, None]
