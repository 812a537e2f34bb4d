"""One stream of a loaded model, by way of its scheduler. Runs in the event loop; knows nothing of chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from govor.contract.audio import Audio
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.contract.streaming import Update
from govor.engine.scheduling.fair_share import FairShare, Priority, Urgency
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.engine.scheduling.tasks import ModelCall
from govor.engine.workers.stream_work import AdvanceWork, FinishWork, OpenWork
from govor.engine.workers.work import ChunkWork

LIVE = Urgency(Priority.LIVE)


class ModelStream:
    """A stream that is open. One call at a time.

    Its calls raise TranscriptionFailed if the model fails, BackendUnavailable if it is lost, and the error
    that the scheduler was closed with. After an error, leave the stream.
    """

    def __init__(self, scheduler: ModelScheduler, opened: OpenWork, urgency: Urgency):
        self._scheduler = scheduler
        self._opened = opened
        self._urgency = urgency
        self._share = FairShare()
        self._is_busy = self._is_left = False

    async def open(self) -> None:
        """Open it. Called once, before all others."""
        self._scheduler.hold(self._opened)
        await self._call(self._opened)

    async def advance(self, audio: Audio) -> Update:
        """Give the model the next samples, together with those of other streams."""
        return cast("Update", await self._call(AdvanceWork(self._opened, audio), "advance"))

    async def finish(self) -> Sequence[Segment]:
        """Return the segments that are left: no more audio comes."""
        return cast("Sequence[Segment]", await self._call(FinishWork(self._opened), "finish"))

    def leave(self) -> None:
        """Close it, once no call works on it."""
        self._is_left = True
        if not self._is_busy:
            self._scheduler.release(self._opened)

    async def _call(self, work: ChunkWork, shared: str | None = None) -> object:
        """Return the answer of a call; `shared`: the kind of calls of other streams that may join it."""
        self._is_busy = True
        return await self._scheduler.call(
            ModelCall(work, self._share, batch_key=shared, release=self._rest, urgency=self._urgency)
        )

    def _rest(self) -> None:
        """Note that no call works on it any more."""
        self._is_busy = False
        if self._is_left:
            self._scheduler.release(self._opened)


@asynccontextmanager
async def open_stream(
    scheduler: ModelScheduler, options: Options, urgency: Urgency = LIVE
) -> AsyncIterator[ModelStream]:
    """Open a stream of a model with `Capability.STREAM`; it is closed with the block. Raises as its calls."""
    stream = ModelStream(scheduler, OpenWork(options), urgency)
    try:
        await stream.open()
        yield stream
    finally:
        stream.leave()
