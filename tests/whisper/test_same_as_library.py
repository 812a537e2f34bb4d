"""Nothing is lost between upload and model: the server's text is faster-whisper's own on the same file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faster_whisper import WhisperModel

FILES = [
    "jfk.flac",
    *(f"golos_0{number}.wav" for number in range(4)),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("two_cities.wav", "ru_long.wav")),
]


@pytest.fixture(scope="module")
def library(server: Any) -> WhisperModel:
    """faster-whisper with the same files that the server has installed."""
    model = server.service.catalogue.find("whisper-base")
    folder = server.service.store.install(model)
    return WhisperModel(str(folder), device="cpu", compute_type="int8")


def direct(library: WhisperModel, path: Path, **options: Any) -> str:
    """Return the text of a direct call with faster-whisper's own voice detection."""
    segments, _ = library.transcribe(
        str(path), vad_filter=True, beam_size=5, temperature=[0.0], condition_on_previous_text=True, **options
    )
    return "".join(segment.text for segment in segments).strip()


@pytest.mark.parametrize("name", FILES)
def test_the_text_is_that_of_a_direct_call(
    name: str, server: Any, library: WhisperModel, recording: Callable[[str], Path]
) -> None:
    path = recording(name)
    assert server.post(path, model="whisper-base").json()["text"] == direct(library, path)


@pytest.mark.parametrize("name", ["ru.wav", "en.wav", "ru_short.wav"])
def test_the_samples_text_is_that_of_a_direct_call(
    name: str, server: Any, library: WhisperModel, samples: Path
) -> None:
    path = samples / name
    assert server.post(path, model="whisper-base").json()["text"] == direct(library, path)


def test_options_reach_the_model(server: Any, library: WhisperModel, samples: Path) -> None:
    path = samples / "ru_short.wav"
    asked = {"prompt": "Ресторан.", "keywords[]": "Столик", "language": "ru"}
    expected = direct(library, path, initial_prompt="Ресторан.", hotwords="Столик", language="ru")
    assert server.post(path, model="whisper-base", **asked).json()["text"] == expected


def test_segment_times_are_those_of_a_direct_call(server: Any, library: WhisperModel, samples: Path) -> None:
    path = samples / "ru.wav"
    segments, _ = library.transcribe(str(path), vad_filter=True, beam_size=5, temperature=[0.0])
    expected = [time for segment in segments for time in (segment.start, segment.end)]
    answer = json.loads(server.post(path, model="whisper-base", response_format="verbose_json").text)
    answered = [segment[key] for segment in answer["segments"] for key in ("start", "end")]
    assert answered == pytest.approx([min(time, answer["duration"]) for time in expected], abs=0.011)
