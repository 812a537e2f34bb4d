"""One party per channel: each heard as if it were alone, told as one conversation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.audio.chunking import Chunk
from govor.contract.audio import Audio
from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.tasks import InferenceTask
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.channels import MOST_CHANNELS, SeparateChannels, channel_labels
from govor.engine.transcription.work import Work
from govor.errors import InvalidParam, TranscriptionFailed
from govor.events import Observer, Report
from govor.testing import FakeDiarizer, FakeLongForm, FakeRecognizer, hum, silence
from govor.testing.fakes import pass_gate
from support.sound import media
from support.waiting import soon

Serving = Any
Call = Callable[..., Path]
APART = SeparateChannels()

TALK = (
    (-0.5, 2, -3, 1.5, -9, 4, -2, 0.5, -4, 3),
    (-1.5, 2.5, -2, 6, -1, 1, -8, 2, -5.5),
    (-12, 0.75, -4, 5, -7.75),
)


def sound(*seconds: float) -> np.ndarray:
    """A number is that many seconds of voice, a negative one of silence."""
    return np.concatenate([hum(length) if length > 0 else silence(-length) for length in seconds])


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Write a wav with a channel for each row of seconds."""

    def write(*rows: tuple[float, ...], name: str = "call.wav") -> Path:
        sounds = [sound(*row) for row in rows]
        channels = np.zeros((len(rows), max(map(len, sounds))), np.float32)
        for channel, each in zip(channels, sounds, strict=True):
            channel[: len(each)] = each
        path = tmp_path / name
        path.write_bytes(media.channels_wav(channels))
        return path

    return write


async def hear(service: Service, path: Path, **fields: Any) -> list[tuple[Segment, float]]:
    """Every segment with the position that was known when it came."""
    work = Work(path, service.router.choose("fake"), **fields)
    async with service.transcribe(work) as heard, aclosing(aiter(heard)) as segments:
        return [(segment, heard.position) async for segment in segments]


async def loaded(service: Service) -> list[Any]:
    """Return the loaded model "fake"."""
    async with service.pool.lease(service.router.choose("fake")) as entry:
        return [entry]


def lines(told: list[tuple[Segment, float]]) -> list[tuple[str | None, float | None, str]]:
    return [(segment.speaker, segment.start, segment.text) for segment, _ in told]


async def test_what_two_say_at_once_is_heard_from_both(service: Serving, call: Call) -> None:
    async with service() as running:
        told = await hear(running, call((-1, 3, -2), (-2, 1.5, -2.5)), apart=APART)
    assert [(speaker, text) for speaker, _, text in lines(told)] == [
        ("left", "3.4 seconds"),
        ("right", "1.9 seconds"),
    ]


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("model", [FakeRecognizer, FakeLongForm])
async def test_each_channel_is_heard_as_if_it_were_alone_and_all_are_told_in_order(
    model: Any, parallel: int, service: Serving, call: Call
) -> None:
    spec = ModelSpec("fake", max_seconds=8, features=frozenset({Feature.WORDS}))
    options = Options(words=True)
    async with service(lambda spec: model(spec, parallel=parallel), spec) as running:
        told = await hear(running, call(*TALK), apart=APART, options=options)
        starts = [segment.start for segment, _ in told]
        assert starts == sorted(starts)
        for number, row in enumerate(TALK):
            alone = await hear(running, call(row, name="alone.wav"), options=options)
            mine = [segment for segment, _ in told if segment.speaker == str(number + 1)]
            assert [(each.text, each.start, each.words) for each in mine] == [
                (each.text, each.start, each.words) for each, _ in alone
            ]


@pytest.mark.parametrize("model", [FakeRecognizer, partial(FakeLongForm, window=4.0)])
async def test_an_attempt_that_ends_after_any_segment_loses_nothing_and_says_nothing_twice(
    model: Any, service: Serving, call: Call
) -> None:
    path = call(*TALK[:2])
    async with service(lambda spec: model(spec), ModelSpec("fake", max_seconds=8)) as running:
        whole = await hear(running, path, apart=APART)
        assert len(whole) > 5
        assert whole[-2][1] > 10  # much need not be heard again
        for told in range(1, len(whole), 2):
            position = whole[told - 1][1]
            kept = [segment for segment, _ in whole[:told] if (segment.start + segment.end) / 2 <= position]
            assert kept == [segment for segment, _ in whole[: len(kept)]]
            rest = await hear(running, path, apart=APART, begin_at=position)
            assert lines(rest) == lines(whole[len(kept) :])


class ByLength(FakeRecognizer):
    """Each call waits for the gate of its own length, in whole seconds."""

    def __init__(self, spec: ModelSpec):
        super().__init__(spec, parallel=4)
        self.gates = {seconds: threading.Event() for seconds in range(1, 5)}

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        seconds = round(len(batch[0]) / 16_000 - 0.3)  # speech has some padding around it
        self.begun.release()
        pass_gate(self.gates[seconds])
        return [[Segment(str(seconds))]]


async def test_a_segment_comes_when_no_channel_can_say_anything_before_it(
    service: Serving, call: Call
) -> None:
    model = ByLength(ModelSpec("fake"))
    path, found = call((1, -5, 3, -30), (-2, 2, -20, 4)), list[str]()

    async def collect(running: Service) -> None:
        work = Work(path, running.router.choose("fake"), apart=APART)
        async with running.transcribe(work) as heard, aclosing(aiter(heard)) as segments:
            async for segment in segments:
                found.append(segment.text)

    async with service(lambda spec: model) as running:
        collecting = asyncio.create_task(collect(running))
        for _ in range(4):
            assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        (scheduler,) = [entry.scheduler for entry in await loaded(running)]
        model.gates[2].set()
        assert await soon(lambda: scheduler.busy == 3)
        assert found == []
        model.gates[1].set()
        assert await soon(lambda: found == ["1", "2"])
        model.gates[4].set()
        assert await soon(lambda: scheduler.busy == 1)
        assert found == ["1", "2"]
        model.gates[3].set()
        await collecting
    assert found == ["1", "2", "3", "4"]


async def test_a_silent_channel_says_nothing_and_keeps_nobody_waiting(service: Serving, call: Call) -> None:
    async with service() as running:
        told = await hear(running, call((1, -30, 1), (-1,)), apart=APART)
        assert [speaker for speaker, _, _ in lines(told)] == ["left", "left"]
        assert await hear(running, call((-2,), (-2,)), apart=APART) == []


async def test_names_are_those_that_are_given(service: Serving, call: Call) -> None:
    async with service() as running:
        told = await hear(running, call((1,), (-1, 1)), apart=SeparateChannels(("Agent", "Customer")))
    assert [speaker for speaker, _, _ in lines(told)] == ["Agent", "Customer"]


async def test_a_recording_of_one_channel_is_one_party(service: Serving, call: Call) -> None:
    async with service() as running:
        path = call((1, -4, 1))
        plain, told = await hear(running, path), await hear(running, path, apart=APART)
        assert [text for _, _, text in lines(told)] == [text for _, _, text in lines(plain)]
        assert {speaker for speaker, _, _ in lines(told)} == {"mono"}


async def test_in_a_recording_of_one_channel_a_diarizer_tells_the_speakers(
    service: Serving, call: Call
) -> None:
    diarizer = FakeDiarizer(SpeakerTurn(0, 3, 0), SpeakerTurn(3, 9, 1))
    async with service(diarizer=diarizer) as running:
        diarize = Diarize(running.router.diarizer())
        told = await hear(running, call((1, -4, 1)), apart=APART, diarize=diarize)
        assert [speaker for speaker, _, _ in lines(told)] == ["A", "B"]
        told = await hear(running, call((1, -4, 1), (-1,)), apart=APART, diarize=diarize)
        assert [speaker for speaker, _, _ in lines(told)] == ["left", "left"]


async def test_more_channels_than_are_heard_apart_are_refused(service: Serving, call: Call) -> None:
    async with service() as running:
        with pytest.raises(InvalidParam, match=f"9 channels, and {MOST_CHANNELS} at most"):
            await hear(running, call(*[(1,)] * 9), apart=APART)


async def test_a_failure_in_one_channel_ends_all(service: Serving, call: Call) -> None:
    class Failing(FakeRecognizer):
        def transcribe(self, batch: Any, options: Options) -> list[list[Segment]]:
            if len(batch[0]) > 3 * 16_000:
                raise RuntimeError("out of tune")
            return super().transcribe(batch, options)

    async with service(lambda spec: Failing(spec)) as running:
        with pytest.raises(TranscriptionFailed, match="out of tune"):
            await hear(running, call((1, -4, 1), (4,)), apart=APART)
        assert await hear(running, call((1,), (1,)), apart=APART)


async def test_all_channels_are_one_request_for_the_model_and_for_who_looks_on(
    service: Serving, call: Call
) -> None:
    reports: list[Report] = []

    class Watching(Observer):
        def transcribed(self, report: Report) -> None:
            reports.append(report)

    gate = threading.Event()
    model = FakeRecognizer(ModelSpec("fake"), gate=gate)
    async with service(lambda spec: model) as running:
        running.observers.add(Watching())
        hearing = asyncio.create_task(hear(running, call(*[(2, -4, 1)] * 4), apart=APART))
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        (scheduler,) = [entry.scheduler for entry in await loaded(running)]
        assert await soon(lambda: scheduler.waiting >= 3)
        assert len({turn.share for turn in scheduler.queue.entries}) == 1
        assert (running.admission.inside, running.interactive.count) == (1, 1)
        gate.set()
        await hearing
    (report,) = reports
    assert (report.outcome, report.audio_seconds) == ("completed", pytest.approx(7))


async def test_who_leaves_early_leaves_nothing_at_work(service: Serving, call: Call) -> None:
    model = FakeLongForm(ModelSpec("fake"))
    async with service(lambda spec: model) as running:
        work = Work(call((2, -4, 5), (3,)), running.router.choose("fake"), apart=APART)
        async with running.transcribe(work) as heard, aclosing(aiter(heard)) as segments:
            await anext(segments)
        (scheduler,) = [entry.scheduler for entry in await loaded(running)]
        assert await soon(lambda: not scheduler.waiting and not scheduler.busy)


@pytest.mark.parametrize("side_by_side", [True, False])
def test_of_several_channels_the_one_that_is_furthest_behind_goes_first(side_by_side: bool) -> None:
    share = FairShare(side_by_side=side_by_side)
    ahead, behind = (
        InferenceTask(Chunk(np.zeros(160_000, np.float32), (0,), (start,)), Options(), share)
        for start in (0, 32_000)
    )
    ahead.number, behind.number = 1, 2
    ahead.done = 8.0  # seconds, up to 8.0 of the recording; the other one is at 2.0
    assert (min(ahead, behind, key=lambda turn: turn.rank) is behind) == side_by_side


@pytest.mark.parametrize(
    ("given", "channels", "names"),
    [
        ((), ("left", "right"), ("left", "right")),
        (("A",), ("left", "right"), ("A", "right")),
        (("right",), ("left", "right"), ("right", "channel 2")),
        (("A", "B", "C"), ("left", "right"), ("A", "B")),
        (("A", "B"), ("mono",), ("mono",)),
        (("Host",), ("mono",), ("Host",)),
        (("2",), ("1", "2", "3"), ("2", "channel 2", "3")),
        (("centre", "channel 3"), ("left", "right", "centre"), ("centre", "channel 3", "channel 4")),
    ],
)
def test_no_two_channels_are_called_alike(given: Any, channels: Any, names: Any) -> None:
    assert channel_labels(SeparateChannels(given), channels) == names
