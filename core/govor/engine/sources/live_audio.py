"""Audio that is still coming: its owner pushes samples in, and a request reads them. In the event loop."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from govor.contract.audio import BLOCK_SECONDS, SAMPLE_RATE, Audio, array_fault
from govor.errors import GovorError, InvalidAudio, UploadStalled

QUEUED_SECONDS = 10.0
"""Seconds of audio that wait to be read; beyond that, the owner waits."""

LEAST_SECONDS = 0.25
"""Seconds of the shortest block, except the last one: each block costs two changes of threads."""


class LiveAudio:
    """Samples on their way from their owner to one reader, at most `QUEUED_SECONDS` of them."""

    def __init__(self, idle_seconds: float = 0.0):
        """`idle_seconds`: longest time without a sample, after which reading fails; 0: any."""
        self.seconds = 0.0
        """Seconds fed so far."""
        self._idle_seconds = idle_seconds
        self._waiting: deque[Audio] = deque()
        self._queued = 0  # samples in it
        self._finished = self._closed = False
        self._moved = asyncio.Event()

    async def feed(self, audio: Audio) -> None:
        """Add samples, (samples,) float32, mono at 16 kHz; wait while enough are queued.

        Samples that come after `close` are dropped. Raises InvalidAudio for others.
        """
        if self._finished:
            raise InvalidAudio("The audio was finished, and nothing may follow.")
        if fault := array_fault(audio):
            raise InvalidAudio(fault)
        size = round(BLOCK_SECONDS * SAMPLE_RATE)
        for start in range(0, len(audio), size):
            while self._queued >= QUEUED_SECONDS * SAMPLE_RATE and not self._closed:
                await self._moved.wait()
            if self._closed:
                return
            piece = audio[start : start + size]
            self._waiting.append(piece)
            self._queued += len(piece)
            self.seconds += len(piece) / SAMPLE_RATE
            self._wake()

    def finish(self) -> None:
        """State that no more comes."""
        self._finished = True
        self._wake()

    def close(self) -> None:
        """Drop the samples; nobody waits any longer. Safe to call twice."""
        self._closed = True
        self._waiting.clear()
        self._queued = 0
        self._wake()

    async def read(self) -> Audio | None:
        """Return the samples that have come, `LEAST_SECONDS` to `BLOCK_SECONDS`; None: there are no more.

        Raises UploadStalled.
        """
        while self._queued < LEAST_SECONDS * SAMPLE_RATE and not self._finished and not self._closed:
            try:
                async with asyncio.timeout(self._idle_seconds or None):
                    await self._moved.wait()
            except TimeoutError:
                raise self._stalled() from None
        if not self._waiting:
            return None
        taken = [self._waiting.popleft()]
        have = len(taken[0])
        while self._waiting and have + len(self._waiting[0]) <= BLOCK_SECONDS * SAMPLE_RATE:
            taken.append(self._waiting.popleft())
            have += len(taken[-1])
        self._queued -= have
        self._wake()
        joined = np.concatenate(taken)
        joined.flags.writeable = False
        return joined

    def _stalled(self) -> GovorError:
        return UploadStalled(f"No audio has come for {self._idle_seconds:g} seconds.")

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
