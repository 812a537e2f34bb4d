"""Streams share the calls of their model, and are closed however they end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.contract.streaming import Update
from govor.contract.workers import Worker
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.engine.streaming.model_stream import ModelStream, open_stream
from govor.engine.workers.thread_worker import ThreadWorker
from govor.errors import BackendUnavailable, GovorError, ShuttingDown, TranscriptionFailed
from govor.testing import FakeStreaming, hum
from govor.testing.fake_streams import FakeStream
from govor.testing.fakes import pass_gate
from support.executors import RemoteWorker
from support.waiting import soon

SPEC = ModelSpec("stream")
SECOND = hum(1)


@asynccontextmanager
async def scheduled(model: FakeStreaming) -> AsyncIterator[ModelScheduler]:
    scheduler = ModelScheduler(ThreadWorker(model, "stream"), "stream")
    try:
        yield scheduler
    finally:
        if model.gate is not None:
            model.gate.set()
        await scheduler.close()


async def opened(scheduler: ModelScheduler, stack: AsyncExitStack, count: int) -> list[ModelStream]:
    return [await stack.enter_async_context(open_stream(scheduler, Options())) for _ in range(count)]


async def test_a_stream_has_partial_text_then_final_text_and_a_rest() -> None:
    model = FakeStreaming(SPEC, final_seconds=2.0)
    async with scheduled(model) as scheduler, open_stream(scheduler, Options()) as stream:
        assert await stream.advance(SECOND) == Update(partial=Segment("1.0 seconds", 0, 1))
        assert await stream.advance(SECOND) == Update((Segment("2.0 seconds", 0, 2),))
        assert await stream.advance(SECOND) == Update(partial=Segment("1.0 seconds", 2, 3))
        assert await stream.finish() == [Segment("1.0 seconds", 2, 3)]
    assert (model.streams[0].closed, model.closed) == (True, 1)


async def test_samples_that_wait_at_once_share_a_call() -> None:
    model = FakeStreaming(SPEC, batch=4, gate=threading.Event())
    async with scheduled(model) as scheduler, AsyncExitStack() as stack:
        first, *others = await opened(scheduler, stack, 6)
        calls = [asyncio.create_task(first.advance(SECOND))]
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        calls += [asyncio.create_task(stream.advance(SECOND)) for stream in others]
        assert await soon(lambda: scheduler.waiting == 5)
        model.gate.set()  # type: ignore[union-attr]
        assert {update.partial for update in await asyncio.gather(*calls)} == {Segment("1.0 seconds", 0, 1)}
    assert model.advanced == [1, 4, 1]


async def test_a_stream_that_fails_fails_alone() -> None:
    class OneFails(FakeStreaming):
        def advance(self, fed: Any) -> list[Update]:
            if self.streams[0] in [stream for stream, _ in fed]:
                raise RuntimeError("out of tune")
            return super().advance(fed)

    model = OneFails(SPEC, batch=4, gate=threading.Event())
    async with scheduled(model) as scheduler, AsyncExitStack() as stack:
        streams = await opened(scheduler, stack, 4)
        calls = [asyncio.create_task(streams[3].advance(SECOND))]
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        calls += [asyncio.create_task(stream.advance(SECOND)) for stream in streams[:3]]
        assert await soon(lambda: scheduler.waiting == 3)
        model.gate.set()  # type: ignore[union-attr]
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(each, TranscriptionFailed) for each in told] == [False, True, False, False]
    assert all(stream.closed for stream in model.streams)


async def test_a_stream_that_is_left_midway_is_closed_after_its_call() -> None:
    model = FakeStreaming(SPEC, gate=threading.Event())
    async with scheduled(model) as scheduler:

        async def converse() -> None:
            async with open_stream(scheduler, Options()) as stream:
                await stream.advance(SECOND)

        talking = asyncio.create_task(converse())
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
        assert not model.streams[0].closed
        model.gate.set()  # type: ignore[union-attr]
        assert await soon(lambda: model.streams[0].closed)


async def test_streams_are_closed_before_their_model() -> None:
    model = FakeStreaming(SPEC)
    async with scheduled(model) as scheduler, open_stream(scheduler, Options()) as stream:
        await stream.advance(SECOND)
        await scheduler.close()
        assert (model.streams[0].closed, model.closed) == (True, 1)
        with pytest.raises(ShuttingDown):
            await stream.advance(SECOND)
        with pytest.raises(ShuttingDown):
            await stream.finish()


async def test_the_ends_of_streams_share_a_call() -> None:
    model = FakeStreaming(SPEC, batch=4, gate=threading.Event())
    async with scheduled(model) as scheduler, AsyncExitStack() as stack:
        busy, *others = await opened(scheduler, stack, 4)
        call = asyncio.create_task(busy.advance(SECOND))
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        ends = [asyncio.create_task(stream.finish()) for stream in others]
        assert await soon(lambda: scheduler.waiting == 3)
        model.gate.set()  # type: ignore[union-attr]
        assert await asyncio.gather(*ends) == [[], [], []]
        await call
    assert model.finished == [3]


async def test_a_stream_that_is_left_while_it_opens_is_closed() -> None:
    class Slow(FakeStreaming):
        def open(self, options: Options) -> FakeStream:
            stream = super().open(options)
            pass_gate(self.gate)
            return stream

    model = Slow(SPEC, parallel=2, gate=threading.Event())
    async with scheduled(model) as scheduler:

        async def converse() -> None:
            async with open_stream(scheduler, Options()):
                pytest.fail("it is not open")

        talking = asyncio.create_task(converse())
        assert await soon(lambda: bool(model.streams))
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
        model.gate.set()  # type: ignore[union-attr]
        assert await soon(lambda: model.streams[0].closed)


async def test_streams_end_with_a_model_that_is_lost_and_others_open_on_the_next() -> None:
    lost = BackendUnavailable("The device has fallen off the bus.")
    models = [FakeStreaming(SPEC), FakeStreaming(SPEC)]

    async def reopen(error: GovorError) -> Worker:
        assert all(stream.closed for stream in models[0].streams)
        assert models[0].closed == 1
        return ThreadWorker(models[1], "stream")

    async def give_up(error: GovorError) -> None:
        pytest.fail("it is loaded again")

    async with scheduled(models[0]) as scheduler, AsyncExitStack() as stack:
        scheduler.recover(reopen, give_up)
        first, second = await opened(scheduler, stack, 2)
        models[0].failure = lost
        with pytest.raises(BackendUnavailable):
            await first.advance(SECOND)
        with pytest.raises(TranscriptionFailed, match="its model was lost"):
            await second.advance(SECOND)
        (third,) = await opened(scheduler, stack, 1)
        assert (await third.advance(SECOND)).partial == Segment("1.0 seconds", 0, 1)
    assert [len(model.streams) for model in models] == [2, 1]
    assert models[1].streams[0].closed


async def test_a_stream_cannot_go_to_a_worker_elsewhere() -> None:
    scheduler = ModelScheduler(RemoteWorker(FakeStreaming(SPEC)), "stream")
    with pytest.raises(TranscriptionFailed, match="cannot leave the process that holds its model"):
        async with open_stream(scheduler, Options()):
            pytest.fail("it is open")
    await scheduler.close()
