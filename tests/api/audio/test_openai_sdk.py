"""The OpenAI SDK against a real server and the embedded model: both languages, every format, streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

LANGUAGES = {"ru.wav": ("ru", "russian"), "en.wav": ("en", "english")}


@pytest.fixture(scope="module")
def sdk(server: Any) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(params=["ru.wav", "en.wav"])
def sample(request: pytest.FixtureRequest, samples: Path) -> Path:
    return samples / request.param


def test_json_has_the_words_that_were_spoken(sdk: OpenAI, sample: Path, transcripts: Any) -> None:
    answer = sdk.audio.transcriptions.create(model="whisper-1", file=sample)
    assert answer.text == transcripts[sample.name]["whisper_base"]
    assert answer.usage.type == "duration"


def test_text_is_the_same_text(sdk: OpenAI, sample: Path, transcripts: Any) -> None:
    answer = sdk.audio.transcriptions.create(model="whisper-1", file=sample, response_format="text")
    assert answer.strip() == transcripts[sample.name]["whisper_base"]


def test_verbose_json_has_language_segments_and_words(sdk: OpenAI, sample: Path) -> None:
    answer = sdk.audio.transcriptions.create(
        model="whisper-base",
        file=sample,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert answer.language == LANGUAGES[sample.name][1]
    assert answer.segments[0].start >= 0
    assert answer.segments[-1].end <= answer.duration + 0.5
    assert " ".join(word.word for word in answer.words) == answer.text
    starts = [word.start for word in answer.words]
    assert starts == sorted(starts)


@pytest.mark.parametrize(("response_format", "arrow"), [("srt", "00:00:00,"), ("vtt", "WEBVTT")])
def test_subtitles_hold_the_text(
    sdk: OpenAI, sample: Path, transcripts: Any, response_format: Any, arrow: str
) -> None:
    answer = sdk.audio.transcriptions.create(model="whisper-1", file=sample, response_format=response_format)
    assert arrow in answer
    assert transcripts[sample.name]["whisper_base"].split()[0] in answer


def test_deltas_join_to_the_text_of_done_and_of_a_plain_request(
    sdk: OpenAI, sample: Path, transcripts: Any
) -> None:
    events = list(sdk.audio.transcriptions.create(model="whisper-1", file=sample, stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert events[-1].type == "transcript.text.done"
    assert "".join(deltas) == events[-1].text == transcripts[sample.name]["whisper_base"]
    assert len(deltas) >= 1


def test_the_async_client_gets_the_same(server: Any, samples: Path, transcripts: Any) -> None:
    async def ask() -> tuple[str, str]:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
            create = client.audio.transcriptions.create
            plain = await create(model="whisper-1", file=samples / "ru_short.wav")
            stream = await create(model="whisper-1", file=samples / "ru_short.wav", stream=True)
            deltas = [event.delta async for event in stream if event.type == "transcript.text.delta"]
            return plain.text, "".join(deltas)

    expected = transcripts["ru_short.wav"]["whisper_base"]
    assert asyncio.run(ask()) == (expected, expected)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's word on this method
def test_a_translation_is_english(sdk: OpenAI, samples: Path) -> None:
    answer = sdk.audio.translations.create(
        model="whisper-1", file=samples / "ru_short.wav", response_format="verbose_json"
    )
    assert answer.language == "english"
    assert answer.text.isascii()


def test_models_are_listed_and_retrieved(sdk: OpenAI) -> None:
    listed = {model.id: model for model in sdk.models.list()}
    assert {"whisper-base", "echo"} <= set(listed)
    assert sdk.models.retrieve("whisper/whisper-base").id == "whisper-base"
    assert listed["whisper-base"].model_extra["languages"].count("ru") == 1


@pytest.mark.parametrize(
    "name",
    [
        "whisper-1",
        "gpt-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-mini-transcribe-2025-03-20",
        "gpt-4o-transcribe-diarize",
        "whisper",
        "openai/whisper-1",
        "openai/gpt-4o-mini-transcribe-2025-03-20",
    ],
)
def test_openais_own_models_are_names_of_the_default(sdk: OpenAI, name: str) -> None:
    assert sdk.models.retrieve(name).id == "whisper-base"


def test_two_backends_answer_in_one_process(sdk: OpenAI, samples: Path, transcripts: Any) -> None:
    texts = [
        sdk.audio.transcriptions.create(model=model, file=samples / "ru_short.wav").text
        for model in ("echo", "whisper-base", "echo")
    ]
    assert texts[1] == transcripts["ru_short.wav"]["whisper_base"]
    assert texts[0] == texts[2] == "2.7 seconds."


def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(sdk: OpenAI, samples: Path) -> None:
    with pytest.raises(openai.NotFoundError, match="whisper-base") as caught:
        sdk.audio.transcriptions.create(model="nonsense", file=samples / "ru_short.wav")
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"


def test_a_model_that_is_not_installed_says_how_to_get_it(sdk: OpenAI, samples: Path) -> None:
    with pytest.raises(openai.NotFoundError, match="govor pull whisper-tiny") as caught:
        sdk.audio.transcriptions.create(model="tiny", file=samples / "ru_short.wav")
    assert "POST /v1/models" in caught.value.message
