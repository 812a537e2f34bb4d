"""Hands the blocks of one source to several readers, each block read from it once. In the event loop.

The reader that is furthest behind holds the others back, so that few blocks are held. No thread waits for a
reader, so readers cannot block each other however few threads there are. Knows nothing of files.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from govor.contract.audio import Audio

Block: TypeAlias = tuple[Audio, ...]
"""(samples,) of each channel, or of one that is mixed down."""

AHEAD = 4
"""Most blocks that one reader may be ahead of another."""


class SharedBlocks:
    """The blocks of a source. Until `begin` all blocks are held; then those that a reader has not had yet."""

    def __init__(self, read: Callable[[], Awaitable[Block | None]], ahead: int = AHEAD):
        """`read` returns the next block; None: there is none. It is not called while a call runs."""
        self._read = read
        self._ahead = ahead
        self._held: deque[Block] = deque()
        self._first = 0  # number of the first block held
        self._readers: set[BlockReader] = set()
        self._begun = self._ended = False
        self._error: Exception | None = None
        self._reading: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether blocks have been dropped, so that no further reader would get all of them."""
        return self._begun

    @property
    def held(self) -> int:
        """Blocks in memory."""
        return len(self._held)

    def reader(self) -> BlockReader:
        """Return a reader of all blocks. Not after `begin`."""
        assert not self._begun
        reader = BlockReader(self)
        self._readers.add(reader)
        return reader

    def begin(self) -> None:
        """Hold blocks only until all readers have had them: there will be no further reader."""
        self._begun = True
        self._forget()

    def close(self) -> None:
        """End all readers and drop the blocks."""
        for reader in list(self._readers):
            reader.close()
        self._held.clear()
        self._ended = True
        if self._reading is not None:
            self._reading.cancel()

    async def next_for(self, reader: BlockReader) -> Block | None:
        """Return the reader's next block; None: there is none, or it is closed. Raises the source's error."""
        while reader in self._readers:
            at = reader.position - self._first
            if at < len(self._held):
                block = self._held[at]
                reader.position += 1
                self._forget()
                return block
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            if self._begun and len(self._held) >= self._ahead:
                await self._moved.wait()
            else:
                await self._read_one()
        return None

    def drop(self, reader: BlockReader) -> None:
        """Go on without a reader."""
        self._readers.discard(reader)
        self._forget()
        self._wake()

    def _forget(self) -> None:
        """Drop blocks that all readers have had."""
        if not self._begun:
            return
        end = self._first + len(self._held)
        needed = min((reader.position for reader in self._readers), default=end)
        if needed > self._first:
            while self._first < needed:
                self._held.popleft()
                self._first += 1
            self._wake()

    async def _read_one(self) -> None:
        """Wait for one block; if the caller is cancelled, the block still comes for the others."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._produce(), name="read block")
        await asyncio.wait([self._reading])

    async def _produce(self) -> None:
        try:
            block = await self._read()
        except Exception as error:  # noqa: BLE001 - each reader gets it
            self._error, self._ended = error, True
        else:
            if block is None or self._ended:
                self._ended = True
            else:
                self._held.append(block)
        finally:
            self._reading = None
            self._wake()

    def _wake(self) -> None:
        """Let readers that wait look again."""
        self._moved.set()
        self._moved = asyncio.Event()


class BlockReader:
    """One of the readers. Close it when it needs no more blocks, so that it holds no other back."""

    def __init__(self, shared: SharedBlocks):
        self._shared = shared
        self.position = 0
        """Number of the block that it gets next."""

    async def next(self) -> Block | None:
        """Return the next block; None: there is none. Raises the error of the source."""
        return await self._shared.next_for(self)

    def close(self) -> None:
        """End it; safe to call twice. A call of `next` that waits returns None."""
        self._shared.drop(self)
