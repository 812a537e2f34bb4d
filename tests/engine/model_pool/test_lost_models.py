"""A model in the pool that is lost: what is shown meanwhile, what it takes, and when it is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options, Recognizer
from govor.contract.results import Segment
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.errors import BackendUnavailable
from govor.events import Observer
from govor.testing import FakeLongForm, FakeRecognizer
from support.waiting import soon

SPEC = ModelSpec("fake", memory=50_000_000)
LOST = BackendUnavailable("The device has fallen off the bus.")


class Mortal(FakeRecognizer):
    dying = False

    def transcribe(self, batch: Sequence[Audio], options: Options) -> Any:
        answer = super().transcribe(batch, options)
        if self.dying:
            raise LOST
        return answer


class Instances:
    """Makes instances, of which the first ones die in their first call; keeps all."""

    def __init__(self, dying: int = 1):
        self.dying = dying
        self.all: list[Mortal] = []
        self.gate: threading.Event | None = None

    def __call__(self, spec: ModelSpec) -> Recognizer:
        if self.all and self.gate is not None:
            assert self.gate.wait(20)
        model = Mortal(spec)
        model.dying = len(self.all) < self.dying
        self.all.append(model)
        return model


class Moves(Observer):
    def __init__(self) -> None:
        self.moves: list[tuple[str, str]] = []

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        self.moves.append((what, model))


async def transcribed(service: Service, path: Path) -> list[str]:
    async with service.transcribe(Work(path, service.router.choose("fake"))) as transcription:
        return [segment.text async for segment in transcription]


def events(service: Service) -> list[tuple[str, str]]:
    return [(event.what, event.reason) for event in service.pool.snapshot().events if event.model == "fake"]


async def test_the_request_is_answered_and_the_load_is_shown(
    service: Any, spoken: Callable[..., Path]
) -> None:
    make, moves = Instances(), Moves()
    make.gate = threading.Event()
    async with service(make, SPEC) as running:
        running.observers.add(moves)
        request = asyncio.create_task(transcribed(running, spoken(1)))
        assert await soon(lambda: ("failed", "fake") in moves.moves)
        model = running.router.choose("fake")
        (shown,) = (each for each in running.pool.snapshot().models if each.model is model)
        assert (shown.status, shown.runtime, shown.requests) == ("loading", None, 1)
        assert (running.state(model), running.pool.loaded(model)) == ("loading", None)
        make.gate.set()
        assert await request == ["1.0 seconds"]
        assert running.state(model) == "loaded"
        assert events(running) == [("loaded", ""), ("failed", str(LOST)), ("reloaded", "")]
        assert [move for move in moves.moves if move[1] == "fake"] == [
            ("loaded", "fake"),
            ("failed", "fake"),
            ("reloaded", "fake"),
        ]
    assert [model.closed for model in make.all] == [1, 1]


async def test_a_model_that_stays_lost_is_unloaded_and_the_next_request_gets_the_reason_at_once(
    service: Any, spoken: Callable[..., Path]
) -> None:
    make = Instances(dying=99)
    async with service(make, SPEC) as running:
        model = running.router.choose("fake")
        requests = [asyncio.create_task(transcribed(running, spoken(1))) for _ in range(4)]
        ended = await asyncio.gather(*requests, return_exceptions=True)
        assert {str(error) for error in ended} == {str(LOST)}
        assert {type(error) for error in ended} == {BackendUnavailable}
        assert await soon(lambda: running.state(model) == "failed")
        assert running.failure(model) == str(LOST)
        loads = len(make.all)
        with pytest.raises(BackendUnavailable):
            await transcribed(running, spoken(1))
        assert len(make.all) == loads, "it is not loaded again before the pause has passed"
        assert await soon(lambda: all(each.model is not model for each in running.pool.snapshot().models))
        make.dying = 0
        await running.pool.load(model)
        assert await transcribed(running, spoken(1)) == ["1.0 seconds"]
    assert [model.closed for model in make.all] == [1] * len(make.all)


class Windowed(FakeLongForm):
    dying = False

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        for number, segment in enumerate(super().transcribe_long(audio, options)):
            if self.dying and number == 2:
                raise LOST
            yield segment


@pytest.mark.parametrize("silence", [0, 5])
async def test_a_chunk_of_many_windows_goes_on_from_its_last_segment(
    service: Any, spoken: Callable[..., Path], silence: int
) -> None:
    dying = [True, False]

    def make(spec: ModelSpec) -> Recognizer:
        model = Windowed(spec)
        model.dying = dying.pop(0)
        return model

    path = spoken(*((3, -silence, 2) if silence else (5,)))
    async with (
        service(Windowed, SPEC) as running,
        running.transcribe(Work(path, running.router.choose("fake"))) as transcription,
    ):
        expected = [(segment.start, segment.end, segment.text) async for segment in transcription]
    async with (
        service(make, SPEC) as running,
        running.transcribe(Work(path, running.router.choose("fake"))) as transcription,
    ):
        found = [(segment.start, segment.end, segment.text) async for segment in transcription]
        assert ("reloaded", "") in events(running)
    assert found == expected


async def test_a_request_that_leaves_while_the_model_is_loaded_again_harms_nothing(
    service: Any, spoken: Callable[..., Path]
) -> None:
    make = Instances()
    make.gate = threading.Event()
    async with service(make, SPEC, ttl=0) as running:
        request = asyncio.create_task(transcribed(running, spoken(1)))
        assert await soon(lambda: ("failed", str(LOST)) in events(running))
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        make.gate.set()
        assert await transcribed(running, spoken(2)) == ["2.0 seconds"]
    assert await soon(lambda: all(model.closed == 1 for model in make.all))


async def test_the_server_can_stop_while_a_model_is_loaded_again(
    service: Any, spoken: Callable[..., Path]
) -> None:
    make = Instances()
    make.gate = threading.Event()
    async with service(make, SPEC) as running:
        request = asyncio.create_task(transcribed(running, spoken(1)))
        assert await soon(lambda: ("failed", str(LOST)) in events(running))
        stop = asyncio.create_task(running.close())
        await asyncio.sleep(0)
        make.gate.set()
        await stop
        assert isinstance((await asyncio.gather(request, return_exceptions=True))[0], Exception)
    assert await soon(lambda: all(model.closed == 1 for model in make.all))
