"""A recording on its way through the diarizer, and then through the model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from govor.contract.audio import Audio
from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.contract.results import Segment
from govor.decoder.wire import TrackSelection
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarization, Diarize, KnownSpeaker
from govor.engine.transcription.work import Work
from govor.errors import (
    AudioTooLong,
    InvalidAudio,
    InvalidParam,
    LoadFailed,
    ModelUnloaded,
    QueueTimeout,
    ShuttingDown,
    TranscriptionFailed,
)
from govor.events import Observer, Report
from govor.testing import FakeDiarizer, FakeRecognizer, hum, silence
from support.waiting import EVERY_CALL, Turnstile, soon

WORDS = ModelSpec("fake", features=frozenset({Feature.WORDS}))
TURNS = (SpeakerTurn(0.0, 0.5, 0), SpeakerTurn(0.5, 1.0, 1))


def work(service: Service, path: Path, *known: KnownSpeaker, max_seconds: float = 0.0) -> Work:
    diarize = Diarize(service.router.diarizer(), known)
    return Work(path, service.router.choose("fake"), max_seconds=max_seconds, diarize=diarize)


@asynccontextmanager
async def diarized(service: Service, path: Path, asked: Diarize) -> AsyncIterator[Diarization]:
    with service.admission.admit() as ticket:
        async with service.diarize(path, asked, ticket) as diarization:
            yield diarization


async def told(service: Service, asked: Work) -> list[tuple[str | None, str]]:
    async with service.transcribe(asked) as transcription, aclosing(aiter(transcription)) as segments:
        parts = [(segment.speaker, segment.text) async for segment in segments]
        assert transcription.complete
        assert [segment.text for segment in transcription.result().segments] == [text for _, text in parts]
    return parts


async def test_segments_go_to_their_speakers(service, spoken: Callable[..., Path]) -> None:
    async with service(spec=WORDS, diarizer=FakeDiarizer(*TURNS)) as running:
        assert await told(running, work(running, spoken(1.0))) == [("A", "1.0"), ("B", "seconds")]


async def test_a_model_without_word_times_keeps_its_segments_whole(service, spoken) -> None:
    async with service(diarizer=FakeDiarizer(*TURNS)) as running:
        assert await told(running, work(running, spoken(1.0))) == [("A", "1.0 seconds")]


async def test_the_whole_recording_is_heard_before_the_first_text(service, spoken) -> None:
    diarizer = FakeDiarizer(*TURNS)
    async with (
        service(diarizer=diarizer) as running,
        running.transcribe(work(running, spoken(9.0))) as transcription,
        aclosing(aiter(transcription)) as segments,
    ):
        await anext(segments)
        assert diarizer.samples == 9 * 16_000


async def test_known_speakers_are_handed_to_the_diarizer_and_named(service, spoken) -> None:
    diarizer = FakeDiarizer(SpeakerTurn(0.0, 1.0, 0))
    async with service(diarizer=diarizer) as running:
        asked = work(running, spoken(1.0), KnownSpeaker("Ann", hum(2.0)))
        assert await told(running, asked) == [("Ann", "1.0 seconds")]
    assert diarizer.known == [1]


async def test_a_reference_in_which_nobody_speaks_is_refused_before_any_text(service, spoken) -> None:
    async with service(diarizer=FakeDiarizer()) as running:
        asked = work(running, spoken(1.0), KnownSpeaker("Ann", silence(2.0)))
        with pytest.raises(InvalidParam, match="'Ann'"):
            await told(running, asked)


async def test_a_diarizer_that_raises_fails_the_request_and_no_other(service, spoken) -> None:
    diarizer = FakeDiarizer(*TURNS, failure=StopIteration())
    async with service(diarizer=diarizer) as running:
        with pytest.raises(TranscriptionFailed, match="StopIteration"):
            await told(running, work(running, spoken(1.0)))
        diarizer.failure = None
        assert await told(running, work(running, spoken(1.0)))


async def test_a_diarizer_that_cannot_be_loaded_is_told(service, spoken) -> None:
    class Broken(FakeDiarizer):
        def load(self, spec, folder, runtime):
            raise LoadFailed("no such device")

    async with service(diarizer=Broken()) as running:
        with pytest.raises(LoadFailed, match="no such device"):
            await told(running, work(running, spoken(1.0)))


async def test_a_recording_that_turns_out_too_long_ends_while_it_is_diarized(service, spoken) -> None:
    diarizer = FakeDiarizer(*TURNS)
    async with service(diarizer=diarizer) as running:
        with pytest.raises(AudioTooLong):
            await told(running, work(running, spoken(20.0), max_seconds=5.0))
    assert diarizer.samples < 20 * 16_000


class Held(FakeDiarizer):
    """A diarizer that tells when a block is held at its gate."""

    held = False

    def feed(self, audio: Audio) -> None:
        self.held = True
        super().feed(audio)
        self.held = False


async def test_two_recordings_are_diarized_in_turns(service, spoken) -> None:
    gate = Turnstile()
    diarizer = Held(*TURNS, gate=gate)
    async with service(diarizer=diarizer) as running:
        asked = Diarize(running.router.diarizer())
        async with (
            running.pool.lease(asked.model) as loaded,
            diarized(running, spoken(40.0, name="long.wav"), asked) as first,
            diarized(running, spoken(1.0, name="short.wav"), asked) as second,
        ):
            long = asyncio.create_task(first.speakers())
            assert await soon(lambda: diarizer.held)
            short = asyncio.create_task(second.speakers())
            while not short.done():  # a block of one is let through only while the other one waits
                assert await soon(lambda: short.done() or (diarizer.held and loaded.scheduler.waiting > 0))
                gate.open()
            assert not long.done(), "a short recording waits for the whole of a long one"
            gate.open(EVERY_CALL)
            await short
            await long
    assert diarizer.samples == 41 * 16_000


async def test_a_closed_service_diarizes_no_more(service, spoken) -> None:
    diarizer = FakeDiarizer(*TURNS)
    async with service(diarizer=diarizer) as running:
        async with diarized(running, spoken(1.0), Diarize(running.router.diarizer())) as diarization:
            await running.close()
            with pytest.raises(ShuttingDown):
                await diarization.speakers()
        assert diarizer.closed == 1


class Watching(Observer):
    """Notes the calls that it is told of, and how recordings ended."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.outcomes: list[str] = []

    def transcribed(self, report: Report) -> None:
        self.outcomes.append(report.outcome)

    def called(self, model: str, recordings: int, seconds: float) -> None:
        self.calls.append((model, recordings))


async def test_each_call_of_the_diarizer_is_told_to_the_observer(service, spoken) -> None:
    watching = Watching()
    async with service(diarizer=FakeDiarizer(*TURNS)) as running:
        running.observers.add(watching)
        async with diarized(running, spoken(9.0), Diarize(running.router.diarizer())) as diarization:
            await diarization.speakers()
    blocks = 3  # of at most four seconds; the stream is begun before them, and finished after them
    assert watching.calls == [("fake-diarizer", 1)] * (blocks + 2)


async def test_a_diarizer_that_fails_a_stream_is_no_client_that_left(service, spoken) -> None:
    watching, diarizer = Watching(), FakeDiarizer(failure=ValueError("broken"))
    async with service(diarizer=diarizer) as running:
        running.observers.add(watching)
        async with running.transcribe(work(running, spoken(1.0))) as transcription:
            with pytest.raises(TranscriptionFailed):  # which a stream that has begun tells as an event
                await anext(aiter(transcription))
    assert watching.outcomes == [TranscriptionFailed.code]


async def test_a_diarizer_that_is_unloaded_by_force_says_so_to_all_who_use_it(service, spoken) -> None:
    diarizer = FakeDiarizer(*TURNS, gate=threading.Event())
    async with service(diarizer=diarizer, cores=1) as running:
        asked = Diarize(running.router.diarizer())
        async with (
            diarized(running, spoken(9.0), asked) as first,
            diarized(running, spoken(9.0, name="other.wav"), asked) as second,
        ):
            hearing = [asyncio.create_task(each.speakers()) for each in (first, second)]
            scheduler = running.pool.loaded(asked.model).scheduler
            assert await soon(lambda: scheduler.busy == 1 and scheduler.waiting == 1)
            unloading = asyncio.create_task(running.pool.unload(asked.model, force=True))
            assert await soon(lambda: running.pool.loaded(asked.model) is None)
            diarizer.gate.set()
            for each in hearing:
                with pytest.raises(ModelUnloaded):
                    await each
            assert await unloading
        assert diarizer.closed == 1


async def test_a_call_keeps_its_cores_until_it_ends_though_its_client_has_left(service, spoken) -> None:
    diarizer = FakeDiarizer(*TURNS, gate=threading.Event())
    model = FakeRecognizer(ModelSpec("fake"))
    model.cores = 1
    async with service(lambda spec: model, diarizer=diarizer, cores=1) as running:
        asked, path = Diarize(running.router.diarizer()), spoken(1.0)
        async with diarized(running, path, asked) as diarization:
            leaving = asyncio.create_task(diarization.speakers())
            assert await soon(lambda: running.pool.loaded(asked.model).scheduler.busy == 1)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
        other = asyncio.create_task(told(running, Work(path, running.router.choose("fake"))))
        assert not await soon(lambda: bool(model.calls), seconds=0.2)
        diarizer.gate.set()
        assert await other == [(None, "1.0 seconds")]


async def test_an_attempt_that_ends_between_two_speakers_of_a_segment_loses_neither(service, spoken) -> None:
    turns = [SpeakerTurn(at, at + 0.5, number % 2) for number, at in enumerate((0.0, 0.5, 5.0, 5.5))]
    path = spoken(1.0, -4.0, 1.0)

    async def attempt(begin_at: float) -> list[tuple[Segment, float]]:
        asked = replace(work(running, path), begin_at=begin_at)
        async with running.transcribe(asked) as transcription, aclosing(aiter(transcription)) as segments:
            return [(segment, transcription.position) async for segment in segments]

    async with service(spec=WORDS, diarizer=FakeDiarizer(*turns)) as running:
        whole = await attempt(0.0)
        assert [segment.speaker for segment, _ in whole] == ["A", "B", "A", "B"]
        for told in range(1, len(whole) + 1):
            position = whole[told - 1][1]
            kept = [each for each in whole[:told] if each[0].start + each[0].end <= 2 * position]
            assert kept + await attempt(position) == whole


async def test_one_who_waits_too_long_for_the_diarizer_is_sent_away(service, spoken) -> None:
    diarizer, path = FakeDiarizer(*TURNS, gate=threading.Event()), spoken(9.0)
    async with service(diarizer=diarizer, max_wait_seconds=0.1) as running:
        asked = Diarize(running.router.diarizer())
        async with diarized(running, path, asked) as first:
            hearing = asyncio.create_task(first.speakers())
            assert await soon(lambda: running.pool.loaded(asked.model).scheduler.busy == 1)
            async with diarized(running, path, asked) as second:
                with pytest.raises(QueueTimeout):
                    await second.speakers()
            diarizer.gate.set()
            assert (await hearing).turns()


async def test_one_whose_speakers_have_been_told_apart_is_not_sent_away_for_the_text(service, spoken) -> None:
    model = FakeRecognizer(WORDS, gate=threading.Event())
    async with service(
        lambda spec: model, WORDS, diarizer=FakeDiarizer(*TURNS), max_wait_seconds=0.1
    ) as running:
        first = asyncio.create_task(told(running, Work(spoken(1.0), running.router.choose("fake"))))
        assert await soon(lambda: bool(model.calls))
        second = asyncio.create_task(told(running, work(running, spoken(1.0))))
        assert not await soon(second.done, seconds=0.3)
        model.gate.set()
        assert await second == [("A", "1.0"), ("B", "seconds")]
        assert await first


async def test_speakers_are_told_apart_in_what_is_heard(service, spoken) -> None:
    async with service(diarizer=FakeDiarizer(*TURNS)) as running:
        both = replace(work(running, spoken(1.0)), selection=TrackSelection(channel=1))
        with pytest.raises(InvalidAudio, match="channel 1 is not among them"):
            await told(running, both)
        with running.admission.admit() as ticket, pytest.raises(InvalidAudio, match="channel 1"):
            async with running.diarize(both.source, both.diarize, ticket, both.selection):
                pass
