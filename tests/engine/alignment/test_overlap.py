"""Speech without a pause, longer than the model's window: cut amid words, told as if it were not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Token, Word
from govor.engine.transcription.work import Work
from govor.testing import FakeRecognizer
from support.sound import media

Serving = Any

LENGTHS = [0.2 + 0.1 * (number % 5) for number in range(60)]
"""Of the words, one behind the other, in seconds."""
LOUDNESS = np.linspace(0.2, 0.9, len(LENGTHS))


class Listener(FakeRecognizer):
    """Hears which loudness lasts how long: "w0 w1 …"; of a word that is cut off it hears "half"."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        self._begin(batch, options)
        return [[self._listen(audio, options)] for audio in batch]

    def _listen(self, audio: Audio, options: Options) -> Segment:
        words, at = [], 0
        for number, samples in groupby(np.abs(audio[:, None] - LOUDNESS).argmin(axis=1).tolist()):
            length = len(list(samples))
            whole = length >= LENGTHS[number] * SAMPLE_RATE - 1
            words.append(
                Word(f"w{number}" if whole else "half", at / SAMPLE_RATE, (at + length) / SAMPLE_RATE)
            )
            at += length
        text = " ".join(word.text for word in words)
        tokens = tuple(Token(None, part.encode(), -1.0) for part in text.replace(" ", "| ").split("|"))
        return Segment(
            text,
            words=tuple(words) if options.words else None,
            tokens=tokens if options.logprobs else None,
        )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    lengths = [round(length * SAMPLE_RATE) for length in LENGTHS]
    path = tmp_path / "words.wav"
    path.write_bytes(media.wav(np.repeat(LOUDNESS, lengths).astype(np.float32)))
    return path


async def hear(service: Serving, recording: Path, features: set[Feature], options: Options) -> list[Segment]:
    model = Listener(ModelSpec("fake", max_seconds=8, features=frozenset(features)))
    async with service(lambda spec: model, model.spec) as running:
        entry = next(iter(running.catalogue))
        async with (
            running.transcribe(Work(recording, entry, options)) as transcription,
            aclosing(aiter(transcription)) as segments,
        ):
            found = [segment async for segment in segments]
    assert len(found) > 2
    return found


@pytest.mark.parametrize("features", [{Feature.WORDS, Feature.LOGPROBS}, {Feature.WORDS}, set()])
async def test_every_word_is_told_once(service: Serving, recording: Path, features: set[Feature]) -> None:
    found = await hear(service, recording, features, Options())
    told = " ".join(segment.text for segment in found).split()
    assert told == [f"w{number}" for number in range(len(LENGTHS))]
    assert all(segment.words is None for segment in found)
    assert {token.logprob for segment in found for token in segment.tokens or ()} <= {None}


async def test_words_and_tokens_that_were_asked_for_are_told_once(service: Serving, recording: Path) -> None:
    options = Options(words=True, logprobs=True)
    found = await hear(service, recording, {Feature.WORDS, Feature.LOGPROBS}, options)
    words = [word for segment in found for word in segment.words or ()]
    assert [word.text for word in words] == [f"w{number}" for number in range(len(LENGTHS))]
    assert [word.end for word in words] == pytest.approx(np.cumsum(LENGTHS), abs=0.001)
    for segment in found:
        assert "".join(token.text for token in segment.tokens or ()).strip() == segment.text


@pytest.mark.parametrize("yielded", [1, 2, 4])
async def test_an_attempt_that_goes_on_behind_a_seam_loses_no_word(
    service: Serving, recording: Path, yielded: int
) -> None:
    model = Listener(ModelSpec("fake", max_seconds=8, features=frozenset({Feature.WORDS})))
    told: list[str] = []
    async with service(lambda spec: model, model.spec) as running:
        entry = next(iter(running.catalogue))
        async with running.transcribe(Work(recording, entry)) as broken_off:
            async for segment in broken_off:
                told += segment.text.split()
                if (yielded := yielded - 1) == 0:
                    break
        again = Work(recording, entry, begin_at=broken_off.position)
        async with running.transcribe(again) as transcription, aclosing(aiter(transcription)) as segments:
            told += [word async for segment in segments for word in segment.text.split()]
    assert told == [f"w{number}" for number in range(len(LENGTHS))]
