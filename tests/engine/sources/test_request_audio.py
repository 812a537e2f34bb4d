"""A recording is opened and decoded once for everything of a request that reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, ArraySource, Audio
from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.contract.results import Segment
from govor.decoder.wire import TrackSelection
from govor.engine.plugin_server import ServiceTranscriber
from govor.engine.service import Service
from govor.engine.sources.request_audio import AudioReader, RequestAudio
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.channels import SeparateChannels
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import AudioTooLong, InvalidAudio, TranscriptionFailed
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, FakeLinguist, hum, plugins_of, silence
from support.sound import media

Spoken = Callable[..., Path]
Serving = Callable[[], AbstractAsyncContextManager[Service]]

LINGUIST = ModelSpec("linguist", features=frozenset({Feature.DETECT}))
RUSSIAN = ModelSpec("russian", languages=("ru",))


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[TrackSelection]:
    """The selections with which recordings were opened."""
    opened: list[TrackSelection] = []
    begin = Decoders.begin

    def counted(self: Decoders, recording: Any, selection: TrackSelection) -> Any:
        opened.append(selection)
        return begin(self, recording, selection)

    monkeypatch.setattr(Decoders, "begin", counted)
    return opened


async def samples(reader: AudioReader) -> Audio:
    blocks = [np.zeros(0, np.float32)]
    while (block := await reader.next()) is not None:
        blocks.append(block)
    return np.concatenate(blocks)


async def segments(running: Service, request: TranscriptionRequest) -> tuple[str, list[Segment]]:
    async with (
        running.prepare(request) as ready,
        running.transcribe(ready.work) as heard,
        aclosing(aiter(heard)) as found,
    ):
        return ready.work.model.id, [segment async for segment in found]


@pytest.fixture
def polyglot(tmp_path: Path) -> Serving:
    """A service that detects Russian, with a diarizer."""

    @asynccontextmanager
    async def serving() -> AsyncIterator[Service]:
        routing = {"ru": ("russian",), "default": ("linguist",)}
        settings = Settings(models_dir=tmp_path / "models", preload=(), routing=routing)
        linguist = FakeBackend(LINGUIST, recognizer=lambda spec: FakeLinguist(spec, chances=[("ru", 0.9)]))
        russian = FakeBackend(RUSSIAN)
        diarizer = FakeDiarizer(SpeakerTurn(0.0, 3.0, 0), SpeakerTurn(3.0, 900.0, 1))
        plugins = plugins_of(
            settings, linguist=linguist, russian=russian, vad=FakeDetector(), diarizer=diarizer
        )
        running = Service(settings, plugins)
        try:
            yield running
        finally:
            await running.close()

    return serving


async def test_the_choice_by_language_the_speakers_and_the_text_share_one_decoding(
    polyglot: Serving, spoken: Spoken, openings: list[TrackSelection]
) -> None:
    path = spoken(2, -3, 40, -3, 9)
    async with polyglot() as running:
        named = await segments(running, TranscriptionRequest(path, "russian"))
        openings.clear()
        chosen = await segments(running, TranscriptionRequest(path, "auto"))
        assert len(openings) == 1
        assert chosen == named
        openings.clear()
        diarize = Diarize(running.router.diarizer())
        model, told = await segments(running, TranscriptionRequest(path, "auto", diarize=diarize))
        assert len(openings) == 1
        assert model == "russian"
        assert [(each.text, each.start, each.end) for each in told] == [
            (each.text, each.start, each.end) for each in named[1]
        ]
        assert {each.speaker for each in told} == {"A", "B"}


@pytest.mark.parametrize("model", ["auto", "russian"])
async def test_separate_channels_share_one_decoding(
    model: str, polyglot: Serving, tmp_path: Path, openings: list[TrackSelection]
) -> None:
    path = tmp_path / "call.wav"
    rows = [np.concatenate([hum(2), silence(9)]), np.concatenate([silence(5), hum(6)])]
    path.write_bytes(media.channels_wav(np.stack(rows)))
    async with polyglot() as running:
        request = TranscriptionRequest(path, model, apart=SeparateChannels())
        answered, told = await segments(running, request)
    assert (answered, len(openings)) == ("russian", 1)
    assert [segment.speaker for segment in told] == ["left", "right"]


async def test_a_recording_of_one_channel_is_opened_once_though_channels_are_separate(
    polyglot: Serving, spoken: Spoken, openings: list[TrackSelection]
) -> None:
    async with polyglot() as running:
        await segments(running, TranscriptionRequest(spoken(2), "russian", apart=SeparateChannels()))
    assert len(openings) == 1


@pytest.mark.parametrize("count", [2, 3, 8])
async def test_channels_that_are_apart_are_those_decoded_alone(
    count: int, decoders: Decoders, tmp_path: Path
) -> None:
    path = tmp_path / "channels.wav"
    rows = np.stack([media.tone(9.3, 200 + 150 * number) for number in range(count)])
    path.write_bytes(media.channels_wav(rows))
    alone = []
    for number in range(count):
        with Recording(path, decoders, TrackSelection(channel=number)) as recording:
            alone.append(np.concatenate(list(recording.blocks())))
    with Recording(path, decoders, TrackSelection(apart=True)) as recording:
        blocks = list(recording.channel_blocks())
    for number in range(count):
        assert np.array_equal(np.concatenate([block[number] for block in blocks]), alone[number])


async def test_channels_that_cancel_each_other_are_heard_when_their_mix_is_asked_for(
    decoders: Decoders, tmp_path: Path
) -> None:
    path, voice = tmp_path / "inverse.wav", media.tone(5)
    path.write_bytes(media.channels_wav(np.stack([voice, -voice])))
    with closing(RequestAudio(path, decoders, apart=True)) as audio:
        await audio.open()
        assert (await samples(audio.reader())).std() > 0.01


async def test_audio_that_is_open_is_opened_again_only_for_another_of_several_tracks(
    decoders: Decoders, tmp_path: Path, openings: list[TrackSelection]
) -> None:
    single, several = tmp_path / "single", tmp_path / "several"
    single.write_bytes(media.wav(media.tone(5)))
    tags = [{"language": "eng"}, {"language": "rus"}]
    several.write_bytes(media.tracks_of([media.tone(5)] * 2, "matroska", tags))
    for path, expected in ((single, 1), (several, 2)):
        openings.clear()
        with closing(RequestAudio(path, decoders)) as audio:
            await audio.open()
            await audio.open()
            await audio.open(["ru"])
        assert len(openings) == expected


async def test_arrays_are_transcribed_like_a_recording(polyglot: Serving, spoken: Spoken) -> None:
    path, pieces = spoken(2, -3, 1), [hum(2), silence(3), hum(1)]
    texts = []
    async with polyglot() as running:
        transcriber = ServiceTranscriber(running)
        for source in (path, ArraySource(pieces), ArraySource(np.array_split(np.concatenate(pieces), 700))):
            async with transcriber.transcribe(source, "auto") as heard, aclosing(aiter(heard)) as found:
                texts.append([(each.text, each.start, each.end) async for each in found])
                assert heard.result().duration == pytest.approx(6.0)
    assert texts[0] == texts[1] == texts[2]
    assert texts[0]


class Torn:
    """A source that gives a second of voice and fails."""

    duration: float | None = None

    def __init__(self, failure: Exception | Audio):
        self.closed = 0
        self._failure = failure

    def blocks(self) -> Iterator[Audio]:
        yield hum(1)
        if isinstance(self._failure, Exception):
            raise self._failure
        yield self._failure

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("failure", "raised", "message"),
    [
        (InvalidAudio("The stream is torn."), InvalidAudio, "torn"),
        (OSError("The line is dead."), TranscriptionFailed, "dead"),
        (np.zeros((2, 9), np.float32), InvalidAudio, r"float32 \(2, 9\)"),
        (np.zeros(9), InvalidAudio, r"float64 \(9,\)"),
    ],
)
async def test_a_source_that_fails_fails_its_request_and_is_closed(
    failure: Any, raised: type[Exception], message: str, polyglot: Serving
) -> None:
    source = Torn(failure)
    async with polyglot() as running:
        with pytest.raises(raised, match=message):
            await segments(running, TranscriptionRequest(source, "russian"))
    assert source.closed


async def test_a_source_is_held_to_the_limit_of_recordings(polyglot: Serving) -> None:
    arrays = ArraySource([hum(9)])
    unstated = Torn(hum(9))
    async with polyglot() as running:
        for source in (arrays, unstated):
            with pytest.raises(AudioTooLong):
                await segments(running, TranscriptionRequest(source, "russian", max_seconds=5.0))


def test_arrays_of_another_kind_are_refused() -> None:
    for array in (np.zeros(9), np.zeros((2, 9), np.float32)):
        with pytest.raises(ValueError, match="float32"):
            ArraySource([array])


def test_arrays_are_read_in_blocks_without_a_copy() -> None:
    whole = hum(9)
    blocks = list(ArraySource([whole]).blocks())
    assert [len(block) / SAMPLE_RATE for block in blocks] == [4.0, 4.0, 1.0]
    assert all(np.shares_memory(block, whole) for block in blocks)


async def test_what_is_known_of_a_recording_stays_known_when_it_is_closed(
    decoders: Decoders, spoken: Spoken
) -> None:
    with closing(RequestAudio(spoken(2), decoders)) as audio:
        await audio.open()
        assert (audio.is_open, audio.duration) == (True, 2.0)
    assert (audio.is_open, audio.duration, audio.channels) == (False, 2.0, ("mono",))
