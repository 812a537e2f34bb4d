"""Texts are improved after stitching and before speakers; a model that fails costs no text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Transcript, Word
from govor.contract.texts.processing import TextOptions
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.request import TranscriptionRequest
from govor.engine.transcription.work import Work
from govor.errors import LoadFailed
from govor.testing import FakeDiarizer
from support.models.text_models import BOTH, Capitals

ALL = TextOptions(punctuation=True, itn=True)
WORDS = ModelSpec("fake", features=frozenset({Feature.WORDS, Feature.LOGPROBS}))
RUSSIAN = ModelSpec("fake", languages=("ru",))
CASED = ModelSpec("fake", features=frozenset({Feature.PUNCTUATION}))
ITN = frozenset({Feature.ITN})
PUNCTUATION = frozenset({Feature.PUNCTUATION})


async def transcript(service: Service, path: Path, text: TextOptions = ALL, **fields: Any) -> Transcript:
    work = Work(path, service.router.choose("fake"), text=text, **fields)
    async with service.transcribe(work) as transcription:
        async for _ in transcription:
            pass
        return transcription.result()


async def test_nothing_is_done_to_texts_unless_it_is_asked_for(service: Any, spoken: Any) -> None:
    capitals = Capitals()
    async with service(texts=[capitals]) as running:
        found = await transcript(running, spoken(1), TextOptions())
    assert (found.text, capitals.asked) == ("1.0 seconds", [])


async def test_a_text_is_improved_with_its_words_and_loses_its_tokens(service: Any, spoken: Any) -> None:
    async with service(texts=[Capitals()], spec=WORDS) as running:
        options = Options(words=True, logprobs=True)
        found = await transcript(running, spoken(1), options=options)
    assert found.text == "1.0 SECONDS"
    (first,) = found.segments
    assert [word.text for word in first.words or ()] == ["1.0", "SECONDS"]
    assert (first.tokens, first.start) == (None, 0.0)
    assert found.notices == ()


async def test_tokens_stay_if_the_text_does(service: Any, spoken: Any) -> None:
    async with service(texts=[Capitals(answer=list)], spec=WORDS) as running:
        found = await transcript(running, spoken(1), options=Options(logprobs=True))
    assert len(found.segments[0].tokens or ()) == 2


async def test_one_call_does_what_one_model_can_and_the_order_decides(service: Any, spoken: Any) -> None:
    both, late = Capitals("both", mark="!"), Capitals("late", mark="?")
    async with service(texts=[both, late]) as running:
        found = await transcript(running, spoken(1))
    assert found.text == "1.0 SECONDS!"
    assert both.asked[-1:] == [TextOptions(punctuation=True, itn=True)]
    assert late.asked == []


async def test_punctuation_comes_before_numbers(service: Any, spoken: Any) -> None:
    numbers = Capitals("numbers", features=ITN, mark="1")
    marks = Capitals("marks", features=PUNCTUATION, mark=".")
    async with service(texts=[numbers, marks]) as running:
        found = await transcript(running, spoken(1))
    assert found.text == "1.0 SECONDS.1"
    assert (numbers.asked[-1], marks.asked[-1]) == (TextOptions(itn=True), TextOptions(punctuation=True))


async def test_a_model_that_writes_punctuation_itself_is_not_helped(service: Any, spoken: Any) -> None:
    capitals = Capitals()
    async with service(texts=[capitals], spec=CASED) as running:
        await transcript(running, spoken(1), replace(ALL, itn=False))
        await transcript(running, spoken(1))
    assert capitals.asked[-1:] == [TextOptions(itn=True)]


@pytest.mark.parametrize(
    ("spec", "options", "language", "used"),
    [
        (RUSSIAN, Options(), "ru", "russian"),
        (WORDS, Options(language="en"), "en", "english"),
        (WORDS, Options(language="de"), None, None),
        (WORDS, Options(), None, "russian"),
    ],
)
async def test_the_language_chooses_the_model(
    service: Any, spoken: Any, spec: ModelSpec, options: Options, language: str | None, used: str | None
) -> None:
    models = [Capitals("russian", languages=("ru",)), Capitals("english", languages=("en",))]
    async with service(texts=models, spec=spec) as running:
        await transcript(running, spoken(1), options=options)
    calls = {model.spec.id: model.asked[-1].language for model in models if model.asked}
    assert calls == ({} if used is None else {used: language})


@pytest.mark.parametrize(
    ("models", "spec", "options", "missing"),
    [
        ([], WORDS, Options(), ("punctuation", "itn")),
        ([Capitals(features=ITN)], WORDS, Options(), ("punctuation",)),
        ([Capitals(features=ITN)], CASED, Options(), ()),
        ([Capitals(languages=("ru",))], WORDS, Options(language="de"), ("punctuation", "itn")),
        ([Capitals(languages=("ru",))], RUSSIAN, Options(), ()),
    ],
)
async def test_a_request_names_what_no_model_can_do(
    service: Any,
    spoken: Any,
    models: list[Capitals],
    spec: ModelSpec,
    options: Options,
    missing: tuple[str, ...],
) -> None:
    async with service(texts=models, spec=spec) as running:
        request = TranscriptionRequest(spoken(1), "fake", options, text=ALL)
        async with running.prepare(request) as ready:
            assert ready.missing == missing
            assert ready.work.text == ALL


@pytest.mark.parametrize(
    "broken",
    [
        Capitals(failure=RuntimeError("no ink")),
        Capitals(failure=SystemExit(1)),
        Capitals(unloadable=LoadFailed("no such device")),
        Capitals(answer=lambda segments: []),
        Capitals(answer=lambda segments: None),
        Capitals(answer=lambda segments: ["text"]),
        Capitals(answer=lambda segments: [Segment("")]),
        Capitals(answer=lambda segments: [Segment("WITHOUT WORDS")]),
        Capitals(answer=lambda segments: [replace(segments[0], words=())]),
        Capitals(answer=lambda segments: [replace(segments[0], text="OTHER TEXT")]),
        Capitals(answer=lambda segments: [replace(segments[0], words=(Word("1.0seconds", None, None),))]),
        Capitals(answer=lambda segments: [replace(segments[0], text="?", words=("?",))]),
    ],
    ids=range(12),
)
async def test_a_model_that_fails_loses_no_text_and_is_reported(
    service: Any, spoken: Any, broken: Capitals
) -> None:
    async with service(texts=[broken], spec=WORDS) as running:
        found = await transcript(running, spoken(1), options=Options(words=True))
    assert found.text == "1.0 seconds"
    (notice,) = found.notices
    assert notice.code == "text_unprocessed"
    assert notice.message.startswith("Parts of the text lack punctuation and numbers in digits: ")
    assert (notice.start, notice.end) == (0.0, pytest.approx(1.0, abs=0.5))


async def test_the_next_model_steps_in_for_one_that_does_not_load(service: Any, spoken: Any) -> None:
    broken = Capitals("broken", unloadable=LoadFailed("no such device"))
    async with service(texts=[broken, Capitals("next", mark="!")]) as running:
        found = await transcript(running, spoken(1))
    assert (found.text, found.notices) == ("1.0 SECONDS!", ())


async def test_speakers_are_given_to_improved_words(service: Any, spoken: Any) -> None:
    turns = SpeakerTurn(0.0, 1.0, 0), SpeakerTurn(1.0, 2.0, 1)
    async with service(texts=[Capitals()], spec=WORDS, diarizer=FakeDiarizer(*turns)) as running:
        diarize = Diarize(running.router.diarizer())
        found = await transcript(running, spoken(2), diarize=diarize)
    assert [(segment.speaker, segment.text) for segment in found.segments] == [("A", "2.0"), ("B", "SECONDS")]


async def test_a_model_for_texts_is_freed_with_the_others(service: Any, spoken: Any) -> None:
    capitals = Capitals(features=BOTH)
    async with service(texts=[capitals]) as running:
        await transcript(running, spoken(1))
        (held,) = [each for each in running.pool.snapshot().loaded if each.model.id == "capitals"]
        assert held.requests == 0
        await running.pool.unload(held.model)
        assert capitals.closed == 1


async def test_models_for_texts_transcribe_nothing(service: Any) -> None:
    async with service(texts=[Capitals()]) as running:
        assert [model.id for model in running.router.usable()] == ["fake"]
        assert running.router.installed("capitals").kind == "text"
