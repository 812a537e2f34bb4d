"""Requests that wait: how long they may, how little they hold, and that none hears another's words."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.transcription.reader import MODEST_SECONDS
from govor.engine.transcription.work import Work
from govor.errors import QueueTimeout
from govor.settings import Settings
from govor.testing import (
    FakeBackend,
    FakeDetector,
    FakeLinguist,
    FakeLongForm,
    FakeRecognizer,
    hum,
    plugins_of,
)
from support.sound import media
from support.waiting import Turnstile, soon

Spoken = Callable[..., Path]
FAKE = ModelSpec("fake")


async def transcribe(service: Service, path: Path, **fields: Any) -> list[str]:
    async with service.transcribe(Work(path, next(iter(service.catalogue)), **fields)) as transcription:
        return [segment.text async for segment in transcription]


def lane_of(service: Service) -> Any:
    (loaded,) = (each for each in service.pool.loaded_models.instances() if each.model.transcribes)
    return loaded.scheduler


async def test_one_who_waits_too_long_for_the_first_turn_is_sent_away(service: Any, spoken: Spoken) -> None:
    model, path = FakeRecognizer(FAKE, gate=threading.Event()), spoken(1, -4, 1)
    async with service(lambda spec: model, max_wait_seconds=0.1) as running:
        first = asyncio.create_task(transcribe(running, path))
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        with pytest.raises(QueueTimeout, match=r"0\.1 seconds") as told:
            await transcribe(running, spoken(2, name="other.wav"))
        assert told.value.retry_after is not None
        assert lane_of(running).queue.waiting
        assert all(task.seconds < 2 for task in lane_of(running).queue.waiting)
        model.gate.set()
        assert await first == ["1.2 seconds", "1.2 seconds"]  # its first turn came in time
    assert len(model.calls) == 2


async def test_one_who_waits_too_long_for_a_language_is_sent_away(service: Any, spoken: Spoken) -> None:
    spec = ModelSpec("fake", features=frozenset({Feature.DETECT}))
    model, path = FakeLinguist(spec, gate=threading.Event()), spoken(1)
    async with service(lambda spec: model, spec, max_wait_seconds=0.1) as running:
        first = asyncio.create_task(transcribe(running, path))
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        with (
            running.admission.admit() as place,
            closing(RequestAudio(path, running.decoders)) as audio,
            pytest.raises(QueueTimeout),
        ):
            await running.chooser.languages("fake", audio, place)
        model.gate.set()
        assert await first == ["1.0 seconds"]


async def test_the_loading_of_the_model_is_no_waiting(service: Any, spoken: Spoken) -> None:
    gate = threading.Event()

    def load(spec: ModelSpec) -> FakeRecognizer:
        assert gate.wait(10)
        return FakeRecognizer(spec)

    async with service(load, max_wait_seconds=0.1) as running:
        waiting = asyncio.create_task(transcribe(running, spoken(1)))
        assert not await soon(waiting.done, seconds=0.3)
        gate.set()
        assert await waiting == ["1.0 seconds"]


async def test_what_waits_in_a_queue_of_its_own_may_wait_for_ever(service: Any, spoken: Spoken) -> None:
    model = FakeRecognizer(FAKE, gate=threading.Event())
    async with service(lambda spec: model, max_wait_seconds=0.05) as running:
        first = asyncio.create_task(transcribe(running, spoken(1)))
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        job = asyncio.create_task(transcribe(running, spoken(2, name="job.wav"), background=True))
        assert not await soon(job.done, seconds=0.2)
        model.gate.set()
        assert (await first, await job) == (["1.0 seconds"], ["2.0 seconds"])


async def test_what_is_read_ahead_follows_from_the_workers_not_from_the_requests(
    service: Any, spoken: Spoken
) -> None:
    model, path = FakeRecognizer(FAKE, parallel=2, gate=threading.Event()), spoken(*[1, -4] * 20)
    async with service(lambda spec: model) as running:
        tasks = [asyncio.create_task(transcribe(running, path)) for _ in range(8)]
        held = 8 + 3  # one of each request, one more than there are workers of all
        assert await soon(lambda: len(model.calls) == 2)
        assert await soon(lambda: len(lane_of(running).queue.waiting) == held - 2)
        assert not await soon(lambda: len(lane_of(running).queue.waiting) > held - 2, seconds=0.3)
        model.gate.set()
        assert [len(found) for found in await asyncio.gather(*tasks)] == [20] * 8
        assert lane_of(running).ahead.free == 3


async def test_only_as_many_requests_hold_long_stretches_as_there_is_room_for(
    service: Any, tmp_path: Path
) -> None:
    model = FakeLongForm(ModelSpec("fake", max_seconds=600), window=50, gate=Turnstile())
    path = tmp_path / "long.wav"
    path.write_bytes(media.wav(np.tile(hum(10), 15)))
    async with service(lambda spec: model, model.spec) as running:
        tasks = [asyncio.create_task(transcribe(running, path)) for _ in range(4)]
        assert await soon(lambda: len(model.calls) == 1)
        assert await soon(lambda: len(lane_of(running).queue.waiting) == 3)
        waiting = [task.seconds for task in lane_of(running).queue.waiting]
        long = [seconds for seconds in waiting if seconds > MODEST_SECONDS]
        assert 1 <= len(long) <= 2  # the fourth request is being worked on
        model.gate.open(1000)
        await asyncio.gather(*tasks)
        assert lane_of(running).ahead.long_permits == 2
    assert sum(seconds for call in model.calls for seconds in call.seconds) == pytest.approx(4 * 150, abs=1)


async def test_one_who_is_cancelled_twice_gives_the_room_back(service: Any, tmp_path: Path) -> None:
    model = FakeLongForm(ModelSpec("fake", max_seconds=600), window=50, gate=Turnstile())
    path = tmp_path / "long.wav"
    path.write_bytes(media.wav(np.tile(hum(10), 15)))
    async with service(lambda spec: model, model.spec) as running:
        leaving = asyncio.create_task(transcribe(running, path))
        assert await soon(lambda: bool(model.calls))
        assert lane_of(running).ahead.long_permits == 1
        leaving.cancel()
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert lane_of(running).ahead.long_permits == 2
        model.gate.open(1000)


async def test_progress_grows_through_speech_and_silence_up_to_the_end(service: Any, spoken: Spoken) -> None:
    model, seen = FakeRecognizer(FAKE, gate=Turnstile()), []
    async with service(lambda spec: model) as running:
        work = Work(spoken(-20, 1, -4, 2, -13), next(iter(running.catalogue)))
        async with running.transcribe(work) as transcription:
            assert (transcription.seconds_done, transcription.seconds_stated) == (0, 40)
            async with aclosing(aiter(transcription)) as segments:
                for waiting in (1, 0):
                    pulling = asyncio.ensure_future(anext(segments))
                    assert await soon(lambda: len(model.calls) == len(seen) + 1)
                    assert await soon(lambda: len(lane_of(running).queue.waiting) == waiting)  # noqa: B023
                    seen.append(transcription.seconds_done)
                    model.gate.open()
                    await pulling
                seen.append(transcription.seconds_done)
                assert [segment async for segment in segments] == []
            seen.append(transcription.seconds_done)
    assert seen == [pytest.approx(value, abs=0.3) for value in (20, 21.2, 27.2, 40)]


async def test_no_more_is_done_than_there_is_where_the_file_states_less(service: Any, tmp_path: Path) -> None:
    path, model = tmp_path / "joined.flac", FakeRecognizer(FAKE)
    two = (media.encode([hum(seconds)], 16_000, "flac", "flac") for seconds in (1, 30))
    path.write_bytes(b"".join(two))  # each states its own length; the first is believed
    async with (
        service(lambda spec: model) as running,
        running.transcribe(Work(path, next(iter(running.catalogue)))) as transcription,
        aclosing(aiter(transcription)) as segments,
    ):
        assert transcription.seconds_stated == 1
        async for _ in segments:
            assert transcription.seconds_done <= transcription.seconds_stated
        assert transcription.seconds_done == transcription.seconds_stated == 31


class Probe(FakeDetector):
    """A detector that notes, with each block, how far the recording is said to be."""

    transcription: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def stream(self) -> Probe:
        return self

    def feed(self, audio: Audio) -> Any:
        self.seen.append(self.transcription.seconds_done)
        assert self.seen[-1] <= self.transcription.seconds_read
        return super().feed(audio)


async def test_progress_never_goes_back(service: Any, spoken: Spoken) -> None:
    model, probe = FakeRecognizer(FAKE, gate=Turnstile()), Probe()
    async with service(lambda spec: model, detector=probe) as running:
        work = Work(spoken(-20, 1, -9, 2, -4, 9, -13), next(iter(running.catalogue)))
        async with running.transcribe(work) as probe.transcription:
            hearing = asyncio.create_task(collect(probe.transcription))
            assert await soon(lambda: len(model.calls) == 1)
            probe.seen.append(probe.transcription.seconds_done)
            model.gate.open(100)
            assert len(await hearing) == 3
            probe.seen.append(probe.transcription.seconds_done)
    assert probe.seen == sorted(probe.seen)
    assert 12 in [round(seconds) for seconds in probe.seen]  # silence counts while it lasts
    assert probe.seen[-1] == 58


async def collect(transcription: Any) -> list[str]:
    async with aclosing(aiter(transcription)) as segments:
        return [segment.text async for segment in segments]


class Spy(FakeRecognizer):
    """A model that hears how loud a sound is, which tells whose it is."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        super().transcribe(batch, options)
        return [[Segment(str(round(float(np.abs(audio).max()) * LEVELS)))] for audio in batch]


class LongSpy(FakeLongForm):
    """The same, second by second."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment]:
        for segment in super().transcribe_long(audio, options):
            start, end = round((segment.start or 0) * SAMPLE_RATE), round((segment.end or 0) * SAMPLE_RATE)
            level = round(float(np.abs(audio[start:end]).max()) * LEVELS)
            if level:
                yield Segment(str(level), segment.start, segment.end)


LEVELS = 200
BURSTS = 4
VOICE = np.repeat(np.tile([1.0, -1.0], 96), 50)  # as loud in every part of it


@dataclass(frozen=True)
class Ask:
    """One request: how many bursts of sound, which options, and after how many texts it leaves."""

    bursts: int
    prompt: str
    leaves: int | None


asks = st.builds(
    Ask, st.integers(1, BURSTS), st.sampled_from(["", "other"]), st.none() | st.integers(0, BURSTS - 1)
)


def expected(number: int, ask: Ask) -> list[str]:
    """Return the texts of a request: the levels of its audio, which no other request has."""
    return [str(number * BURSTS + burst + 1) for burst in range(ask.bursts)]


def write(folder: Path, number: int, ask: Ask) -> Path:
    pieces = []
    for level in expected(number, ask):
        pieces += [VOICE * (int(level) / LEVELS), np.zeros(4 * SAMPLE_RATE)]
    path = folder / f"{number}.wav"
    path.write_bytes(media.wav(np.concatenate(pieces).astype(np.float32)))
    return path


async def hear(service: Service, path: Path, ask: Ask) -> list[str]:
    """Return the texts that come until the end, or until the request leaves."""
    found: list[str] = []
    work = Work(path, next(iter(service.catalogue)), Options(prompt=ask.prompt))
    async with service.transcribe(work) as transcription, aclosing(aiter(transcription)) as segments:
        while ask.leaves is None or len(found) < ask.leaves:
            segment = await anext(segments, None)
            if segment is None:
                break
            found += segment.text.split()
    return found


@pytest.mark.parametrize("kind", [Spy, LongSpy])
@settings(max_examples=30, deadline=None)
@given(st.lists(asks, min_size=2, max_size=8), st.integers(1, 3), st.integers(1, 4))
def test_no_request_ever_hears_anothers_words(
    kind: type[FakeRecognizer], all_asks: list[Ask], workers: int, batch: int
) -> None:
    spec = ModelSpec("fake", features=frozenset({Feature.PROMPT}))
    backend = FakeBackend(spec, recognizer=lambda spec: kind(spec, parallel=workers, batch=batch))

    async def story(folder: Path) -> list[list[str]]:
        chosen = Settings(models_dir=folder / "models", preload=())
        service = Service(chosen, plugins_of(chosen, fake=backend, vad=FakeDetector()))
        try:
            paths = [write(folder, number, ask) for number, ask in enumerate(all_asks)]
            return await asyncio.gather(*(hear(service, *pair) for pair in zip(paths, all_asks, strict=True)))
        finally:
            await service.close()

    with tempfile.TemporaryDirectory() as folder:
        heard = asyncio.run(story(Path(folder)))
    for number, (ask, found) in enumerate(zip(all_asks, heard, strict=True)):
        wanted = expected(number, ask)
        assert list(dict.fromkeys(found)) == wanted[: len(wanted) if ask.leaves is None else ask.leaves]
