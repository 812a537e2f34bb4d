"""An attempt that goes on where another ended says the rest of what it would have said, to the sample."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.audio.chunking import NO_DETECTION, Chunk
from govor.audio.resume import Resumption
from govor.contract.audio import SAMPLE_RATE
from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.contract.results import Segment
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.work import Work
from govor.testing import FakeDiarizer, FakeLongForm, FakeRecognizer

Serving = Any
Spoken = Callable[..., Path]

TALK = (1, -4, 2.5, -1, 3, -5, 0.5, -1, 9, -4, 4, -6)


class Hasty(FakeRecognizer):
    """A model whose segments end before their chunks do."""

    def _transcribe(self, *args: Any) -> Segment:
        heard = super()._transcribe(*args)
        return Segment(heard.text, 0.0, (heard.end or 0.0) / 2)


async def attempt(service: Service, path: Path, begin_at: float = 0.0, **fields: Any) -> list[Any]:
    """Every segment with the position that was known when it came, and the duration."""
    model = service.router.choose("fake")
    async with (
        service.transcribe(Work(path, model, begin_at=begin_at, **fields)) as transcription,
        aclosing(aiter(transcription)) as segments,
    ):
        told = [(segment, transcription.position) async for segment in segments]
    return [*told, transcription.result().duration]


@pytest.mark.parametrize("model", [FakeRecognizer, Hasty, FakeLongForm])
@pytest.mark.parametrize("rules", [None, NO_DETECTION])
async def test_what_was_told_and_what_is_told_then_are_the_whole(
    model: Any, rules: Any, service: Serving, spoken: Spoken
) -> None:
    path = spoken(*TALK)
    async with service(lambda spec: model(spec), ModelSpec("fake", max_seconds=8)) as running:
        whole = await attempt(running, path, rules=rules)
        assert len(whole) > 5
        for told in range(1, len(whole)):
            position = whole[told - 1][1]
            kept = sum(segment.start + segment.end <= 2 * position for segment, _ in whole[:told])
            assert kept == told or model is FakeLongForm  # which hears a chunk whole, or not at all
            assert await attempt(running, path, position, rules=rules) == whole[kept:]


async def test_what_was_heard_is_not_asked_of_the_model_again(service: Serving, spoken: Spoken) -> None:
    model = FakeRecognizer(ModelSpec("fake"))
    async with service(lambda spec: model) as running:
        whole = await attempt(running, spoken(1, -4, 2, -4, 3))
        model.calls.clear()
        await attempt(running, spoken(1, -4, 2, -4, 3), whole[1][1])
    assert [round(call.seconds[0]) for call in model.calls] == [3]


def chunk(*parts: tuple[float, float]) -> Chunk:
    """Parts of (start, seconds) in the recording; each sample is its own second."""
    audio = [
        np.arange(start * SAMPLE_RATE, (start + length) * SAMPLE_RATE, dtype=np.float32) / SAMPLE_RATE
        for start, length in parts
    ]
    offsets = np.cumsum([0] + [len(part) for part in audio[:-1]]).tolist()
    return Chunk(
        np.concatenate(audio), tuple(offsets), tuple(round(start * SAMPLE_RATE) for start, _ in parts)
    )


@pytest.mark.parametrize("begin_at", [10.5, 11, 11.5, 12, 13, 20, 20.25])
def test_the_rest_of_a_stretch_is_what_lies_behind_and_knows_where_it_came_from(begin_at: float) -> None:
    rest = Resumption(begin_at, 0.2).rest(chunk((10, 1), (12, 2), (20, 0.5)))
    assert rest is not None
    assert rest.audio.min() >= begin_at
    assert rest.audio.max() == pytest.approx(20.5, abs=0.001)
    assert rest.start == max(begin_at, rest.audio.min())
    for place in (0.0, rest.seconds / 2):
        assert rest.recording_time(place) == pytest.approx(rest.audio[round(place * SAMPLE_RATE)], abs=0.001)
    assert rest.end == 20.5


def test_a_rest_that_holds_only_the_padding_of_speech_is_left_out() -> None:
    assert Resumption(11.7, 0.4).rest(chunk((10, 2))) is None
    assert Resumption(11.5, 0.4).rest(chunk((10, 2))) is not None


def test_what_was_heard_is_left_out_and_what_was_not_is_the_same_object() -> None:
    first, second = chunk((1, 2)), chunk((3, 2))
    for begin_at, rests in ((3.0, [None, second]), (0.0, [first, second])):
        resumption = Resumption(begin_at, 0.2)
        assert [resumption.rest(each) for each in (first, second)] == rests


@pytest.mark.parametrize("model", [FakeRecognizer, FakeLongForm])
async def test_of_a_segment_of_several_speakers_no_part_is_lost(
    model: Any, service: Serving, spoken: Spoken
) -> None:
    spec = ModelSpec("fake", max_seconds=8, features=frozenset({Feature.WORDS}))
    halves = [SpeakerTurn(start, start + 0.5, int(2 * start) % 2) for start in np.arange(0.0, 40.0, 0.5)]
    path = spoken(*TALK)
    async with service(lambda spec: model(spec), spec, diarizer=FakeDiarizer(*halves)) as running:
        diarize = Diarize(running.router.diarizer())
        *whole, _ = await attempt(running, path, diarize=diarize)
        assert len(whole) >= 10
        for told in (*range(1, len(whole), len(whole) // 5), len(whole) - 1):
            position = whole[told - 1][1]
            kept = [segment for segment, _ in whole[:told] if segment.start + segment.end <= 2 * position]
            *rest, _ = await attempt(running, path, position, diarize=diarize)
            assert [segment.text for segment in kept] + [segment.text for segment, _ in rest] == [
                segment.text for segment, _ in whole
            ]
