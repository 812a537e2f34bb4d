"""The story of one recording: read no further than needed, recognised in parallel, told in order."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from govor.audio.chunking import NO_DETECTION
from govor.audio.decoding.processes import Decoders
from govor.audio.energy import EnergyDetector
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.machine.cores import usable_cores
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.decoder.wire import TrackSelection
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.transcription.language import first_speech
from govor.engine.transcription.pipeline import Transcription
from govor.engine.transcription.work import Work
from govor.errors import AudioTooLong, InvalidAudio, LoadFailed, TranscriptionFailed
from govor.formats.text import Joiner
from govor.testing import FakeDetector, FakeLongForm, FakeRecognizer, hum, silence
from govor.testing.fakes import pass_gate
from support.sound import hostile, media
from support.waiting import EVERY_CALL, Turnstile, soon

Spoken = Callable[..., Path]
Serving = Any

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


def work_of(service: Service, path: Path, **fields: Any) -> Work:
    """Return the work for a recording; there is only one model."""
    model = service.router.choose("fake")
    return Work(path, model, **fields)


async def texts(transcription: Transcription, into: list[str] | None = None) -> list[str]:
    """The texts of all segments; `into` has those that have come so far."""
    found = [] if into is None else into
    async with aclosing(aiter(transcription)) as segments:
        async for segment in segments:
            found.append(segment.text)
    return found


async def transcribe(service: Service, path: Path, **fields: Any) -> list[str]:
    async with service.transcribe(work_of(service, path, **fields)) as transcription:
        return await texts(transcription)


async def begun(model: FakeRecognizer, calls: int = 1) -> None:
    """Wait until so many more calls have come."""
    for _ in range(calls):
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)


class OneByOne(FakeRecognizer):
    """Each call waits for the gate of its own length, in whole seconds."""

    def __init__(self, spec: ModelSpec):
        super().__init__(spec, parallel=4)
        self.gates = {seconds: threading.Event() for seconds in range(1, 5)}
        self.done: list[int] = []

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        seconds = round(len(batch[0]) / SAMPLE_RATE)
        self.begun.release()
        pass_gate(self.gates[seconds])
        self.done.append(seconds)
        return [[Segment(str(seconds))]]


async def test_segments_come_in_order_though_their_stretches_end_in_reverse(
    service: Serving, spoken: Spoken
) -> None:
    model = OneByOne(ModelSpec("fake"))
    path, found = spoken(1, -4, 2, -4, 3, -4, 4), []
    async with (
        service(lambda spec: model) as running,
        running.transcribe(work_of(running, path)) as transcription,
    ):
        collecting = asyncio.create_task(texts(transcription, found))
        await begun(model, 4)
        for seconds in (4, 3, 2):
            model.gates[seconds].set()
            assert await soon(lambda: model.done[-1:] == [seconds])  # noqa: B023 - it is called at once
        assert found == []
        model.gates[1].set()
        assert await collecting == ["1", "2", "3", "4"]


async def test_a_segment_comes_while_later_stretches_are_still_worked_on(
    service: Serving, spoken: Spoken
) -> None:
    model = OneByOne(ModelSpec("fake"))
    path, found = spoken(1, -4, 2), []
    async with (
        service(lambda spec: model) as running,
        running.transcribe(work_of(running, path)) as transcription,
    ):
        collecting = asyncio.create_task(texts(transcription, found))
        await begun(model, 2)
        model.gates[1].set()
        assert await soon(lambda: found == ["1"])
        model.gates[2].set()
        assert await collecting == ["1", "2"]


@pytest.mark.parametrize("workers", [1, 3])
async def test_reading_waits_for_the_model(workers: int, service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake"), parallel=workers, gate=threading.Event())
    path = spoken(*[1, -4] * 40)
    ahead = 5 * (workers + 3)  # the chunks that are worked on, told, queued, and being queued
    async with (
        service(lambda spec: model) as running,
        running.transcribe(work_of(running, path)) as transcription,
    ):
        collecting = asyncio.create_task(texts(transcription))
        await begun(model, workers)
        assert not await soon(lambda: transcription.seconds_read > ahead + 8, seconds=0.3)
        model.gate.set()
        assert len(await collecting) == 40
        assert transcription.seconds_read == 200


async def test_the_first_text_of_a_long_form_model_does_not_wait_for_the_end_of_the_recording(
    service: Serving, spoken: Spoken
) -> None:
    spec = ModelSpec("fake", max_seconds=10)
    async with (
        service(FakeLongForm, spec) as running,
        running.transcribe(work_of(running, spoken(*[10] * 9))) as transcription,
        aclosing(aiter(transcription)) as segments,
    ):
        assert (await anext(segments)).text == "1.0 seconds"
        assert transcription.seconds_read < 60


async def test_times_are_those_of_the_recording(service: Serving, spoken: Spoken) -> None:
    async with (
        service() as running,
        running.transcribe(work_of(running, spoken(-10, 2, -10, 1))) as transcription,
    ):
        spans = [(segment.start, segment.end) async for segment in transcription]
    assert spans == [
        (pytest.approx(9.8, abs=0.05), pytest.approx(12.2, abs=0.05)),
        (pytest.approx(21.8, abs=0.05), pytest.approx(23.0, abs=0.05)),
    ]


def with_hole(path: Path, spoken: Spoken) -> Path:
    """A second of speech, seven that are missing, a second of speech."""
    samples, _ = media.read_wav(spoken(1, -7, 1))
    whole = media.encode([samples], 48_000, "matroska", "libopus")
    path.write_bytes(
        media.altered(whole, "matroska", lambda n, packet: None if 50 < n < 400 else bytes(packet))
    )
    return path


async def test_times_and_length_count_what_is_missing_in_the_file(
    service: Serving, spoken: Spoken, tmp_path: Path
) -> None:
    path = with_hole(tmp_path / "hole.mkv", spoken)
    async with service() as running, running.transcribe(work_of(running, path)) as transcription:
        await texts(transcription)
        result = transcription.result()
    assert [(s.start, s.end) for s in result.segments] == [
        pytest.approx((0, 1), abs=0.3),
        pytest.approx((8, 9), abs=0.3),
    ]
    assert result.duration == pytest.approx(9, abs=0.1)


async def test_the_limit_of_length_counts_what_is_missing_in_the_file(
    service: Serving, spoken: Spoken, tmp_path: Path
) -> None:
    path = with_hole(tmp_path / "hole.mkv", spoken)
    path.write_bytes(media.without_length(path.read_bytes()))
    async with service() as running:
        with pytest.raises(AudioTooLong):
            await transcribe(running, path, max_seconds=5.0)


async def test_a_length_that_a_file_is_too_small_for_refuses_nothing(
    service: Serving, spoken: Spoken, tmp_path: Path
) -> None:
    samples, _ = media.read_wav(spoken(1))
    content = media.encode([samples], 48_000, "webm", "libopus")
    at = content.index(b"\x44\x89\x88") + 3
    path = tmp_path / "overstated.webm"
    path.write_bytes(content[:at] + struct.pack(">d", 50_000_000.0) + content[at + 8 :])
    async with service() as running, running.transcribe(work_of(running, path, max_seconds=10.0)) as telling:
        assert telling.seconds_stated is None
        assert len(await texts(telling)) == 1


async def test_the_result_is_what_was_told(service: Serving, spoken: Spoken) -> None:
    spec = ModelSpec("fake", features=frozenset({Feature.DETECT}))
    async with (
        service(spec=spec) as running,
        running.transcribe(work_of(running, spoken(1, -4, 2, -4, 3))) as transcription,
    ):
        joiner = Joiner()
        segments = [segment async for segment in transcription]
        result = transcription.result()
    assert result.text == "".join(joiner.add(segment) for segment in segments)
    assert result.segments == tuple(segments)
    assert (result.duration, result.language, result.model) == (14.0, "en", "fake")


async def test_silence_is_no_text_and_no_call(service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake"))
    async with (
        service(lambda spec: model) as running,
        running.transcribe(work_of(running, spoken(-30))) as transcription,
    ):
        assert await texts(transcription) == []
        result = transcription.result()
    assert (result.text, result.segments, result.duration, result.language) == ("", (), 30.0, None)
    assert model.calls == []


async def test_without_detection_the_model_hears_silence_too(service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake"))
    async with service(lambda spec: model) as running:
        assert await transcribe(running, spoken(-3), rules=NO_DETECTION) == []
    assert [call.seconds for call in model.calls] == [(3.0,)]


async def test_options_reach_every_call(service: Serving, spoken: Spoken) -> None:
    model, options = FakeRecognizer(ModelSpec("fake")), Options(prompt="Hello.", words=True)
    async with service(lambda spec: model) as running:
        await transcribe(running, spoken(1, -4, 1), options=options)
    assert [call.options for call in model.calls] == [options] * 2


async def test_no_call_is_longer_than_the_model_takes(service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake", max_seconds=3))
    async with service(lambda spec: model, model.spec) as running:
        await transcribe(running, spoken(20))
    lengths = [seconds for call in model.calls for seconds in call.seconds]
    assert max(lengths) <= 3
    overlap = 0.6  # a fifth of 3 s: less than where there is more room
    assert sum(lengths) == pytest.approx(20 + overlap * (len(lengths) - 1))


async def test_a_short_recording_overtakes_a_long_one(service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake"), gate=threading.Event())
    long, short = spoken(*[2, -4] * 4, name="long.wav"), spoken(1, name="short.wav")
    async with service(lambda spec: model) as running:
        first = asyncio.create_task(transcribe(running, long, options=Options(prompt="long")))
        await begun(model)
        second = asyncio.create_task(transcribe(running, short, options=Options(prompt="short")))
        loaded = running.pool.loaded(running.router.choose("fake"))
        assert loaded is not None
        scheduler = loaded.scheduler
        assert await soon(lambda: any(turn.options.prompt == "short" for turn in scheduler.queue.waiting))
        model.gate.set()
        await asyncio.gather(first, second)
    assert [call.options.prompt for call in model.calls][:3] == ["long", "short", "long"]


async def test_a_model_that_fails_is_told_after_the_segments_before(service: Serving, spoken: Spoken) -> None:
    model, found = FakeRecognizer(ModelSpec("fake"), gate=Turnstile()), []
    async with (
        service(lambda spec: model) as running,
        running.transcribe(work_of(running, spoken(*[1, -4] * 6))) as transcription,
    ):
        collecting = asyncio.create_task(texts(transcription, found))
        model.gate.open()
        await begun(model, 2)
        model.failure = RuntimeError("broken")
        model.gate.open(100)
        with pytest.raises(TranscriptionFailed, match="broken"):
            await collecting
        assert found == ["1.2 seconds"]
        assert not transcription.complete


async def test_too_long_a_recording_is_told_after_the_segments_before(
    service: Serving, tmp_path: Path, spoken: Spoken
) -> None:
    samples, _ = media.read_wav(spoken(*[2, -4] * 6))
    path, found = tmp_path / "browser.webm", []
    path.write_bytes(media.without_length(media.encode([samples], 48_000, "webm", "libopus")))
    async with (
        service() as running,
        running.transcribe(work_of(running, path, max_seconds=15.0)) as transcription,
    ):
        with pytest.raises(AudioTooLong, match="15 seconds"):
            await texts(transcription, found)
    assert len(found) == 2


async def test_a_recording_that_says_it_is_too_long_is_refused_before_the_model_is_loaded(
    service: Serving, spoken: Spoken
) -> None:
    async with service() as running:
        with pytest.raises(AudioTooLong):
            await transcribe(running, spoken(5), max_seconds=4.0)
        (plugin, _) = running.plugins
        assert plugin.backend.loads == []


class Failing(FakeDetector):
    """A detector that breaks down after ten seconds."""

    heard = 0

    def stream(self) -> Failing:
        return Failing(self.frame)

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        self.heard += len(audio)
        if self.heard > 10 * SAMPLE_RATE:
            raise RuntimeError("out of order")
        return super().feed(audio)


async def test_a_detector_that_fails_is_not_blamed_on_the_recording(service: Serving, spoken: Spoken) -> None:
    found: list[str] = []
    async with (
        service(detector=Failing()) as running,
        running.transcribe(work_of(running, spoken(1, -4, 1, -10))) as transcription,
    ):
        with pytest.raises(TranscriptionFailed, match="RuntimeError: out of order"):
            await texts(transcription, found)
    assert found == ["1.2 seconds"]


@linux
async def test_one_who_leaves_early_frees_model_turns_and_file(service: Serving, spoken: Spoken) -> None:
    model = FakeLongForm(ModelSpec("fake"), gate=Turnstile())
    path = spoken(10)
    async with service(lambda spec: model) as running:
        async with (
            running.transcribe(work_of(running, path)) as transcription,
            aclosing(aiter(transcription)) as segments,
        ):
            model.gate.open()
            await anext(segments)
            await begun(model, 2)
        assert await soon(lambda: media.descriptors(path) == 0)
        model.gate.open(100)
        assert await soon(lambda: model.abandoned == 1)
        assert await transcribe(running, spoken(1, name="next.wav")) == ["1.0 seconds"]
    assert len(model.calls) == 3


@linux
async def test_one_who_is_cancelled_twice_does_as_little_harm(service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake"), gate=threading.Event())
    path = spoken(*[1, -4] * 40)
    async with service(lambda spec: model) as running:
        leaving = asyncio.create_task(transcribe(running, path))
        await begun(model)
        leaving.cancel()
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await soon(lambda: media.descriptors(path) == 0)
        model.gate.set()
        assert await transcribe(running, spoken(1, name="next.wav")) == ["1.0 seconds"]
    assert len(model.calls) == 2


class Gated(FakeDetector):
    """A detector each of whose calls passes a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Turnstile()
        self.calls = 0

    def stream(self) -> Gated:
        return self

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        self.calls += 1
        pass_gate(self.gate)  # type: ignore[arg-type]
        return super().feed(audio)


async def test_reading_stops_within_a_block_of_ones_leaving(service: Serving, tmp_path: Path) -> None:
    path, detector = media.write_hours(tmp_path / "hour.wav", 3600), Gated()
    async with service(detector=detector) as running:
        leaving = asyncio.create_task(transcribe(running, path))
        detector.gate.open(2)
        assert await soon(lambda: detector.calls == 3)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        detector.gate.open(EVERY_CALL)
        assert not await soon(lambda: detector.calls > 6, seconds=0.3)


@linux
async def test_one_who_leaves_while_the_file_is_opened_leaves_it_closed(
    service: Serving, tmp_path: Path
) -> None:
    path = tmp_path / "slow"
    path.write_bytes(hostile.slow_to_open())
    async with service() as running:
        leaving = asyncio.create_task(transcribe(running, path))
        assert await soon(lambda: media.descriptors(path) > 0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await soon(lambda: media.descriptors(path) == 0)


@linux
async def test_a_model_that_cannot_be_loaded_leaves_no_file_open(service: Serving, spoken: Spoken) -> None:
    def fail(spec: ModelSpec) -> FakeRecognizer:
        raise LoadFailed("There is no device 'cuda:7'.")

    path = spoken(1)
    async with service(fail) as running:
        with pytest.raises(LoadFailed):
            await transcribe(running, path)
        assert await soon(lambda: media.descriptors(path) == 0)


async def test_what_is_no_recording_is_refused_before_the_model_is_loaded(
    service: Serving, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello world\n" * 1000)
    async with service() as running:
        with pytest.raises(InvalidAudio):
            await transcribe(running, path)
        (plugin, _) = running.plugins
        assert plugin.backend.loads == []


async def test_only_whole_transcriptions_are_counted(service: Serving, spoken: Spoken) -> None:
    model, path = FakeRecognizer(ModelSpec("fake")), spoken(1, -4, 1)
    async with service(lambda spec: model) as running:
        await transcribe(running, path)
        assert running.transcribed == 1
        async with running.transcribe(work_of(running, path)) as transcription:
            await anext(aiter(transcription))
        model.failure = RuntimeError("broken")
        with pytest.raises(TranscriptionFailed):
            await transcribe(running, path)
        assert running.transcribed == 1


async def test_a_model_is_loaded_for_the_cores_that_are_allowed(service: Serving, spoken: Spoken) -> None:
    counted: list[int] = []

    def load(spec: ModelSpec) -> FakeRecognizer:
        counted.append(usable_cores())
        return FakeRecognizer(spec)

    async with service(load, cores=1) as running:
        await transcribe(running, spoken(1))
    assert counted == [1]


def two_parties(path: Path) -> Path:
    """Write a stereo wav: a second of voice on the left, then three on the right."""
    left, right = (np.concatenate(each) for each in ((hum(1), silence(8)), (silence(6), hum(3))))
    path.write_bytes(media.channels_wav(np.stack([left, right])))
    return path


@pytest.mark.parametrize(("channel", "heard"), [(0, [1]), (1, [3]), (None, [1, 3])])
async def test_the_channel_that_is_wished_for_is_heard_alone(
    channel: int | None, heard: list[int], service: Serving, tmp_path: Path
) -> None:
    path = two_parties(tmp_path / "call.wav")
    async with service() as running:
        found = await transcribe(running, path, selection=TrackSelection(channel=channel))
    assert [round(float(text.split()[0])) for text in found] == heard


async def test_the_language_is_told_of_what_is_heard(tmp_path: Path) -> None:
    path, detector = two_parties(tmp_path / "call.wav"), EnergyDetector()
    chunks = []
    with closing(Decoders()) as decoders:
        for channel in (0, 1):
            with closing(RequestAudio(path, decoders, TrackSelection(channel=channel))) as audio:
                await audio.open()
                chunks.append(await first_speech(audio.reader(), detector))
    assert [round(len(chunk.audio) / SAMPLE_RATE) for chunk in chunks if chunk] == [1, 3]
