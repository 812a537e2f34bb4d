"""Whisper base by transformers writes the text of faster-whisper, from the same weights, greedily.

The weights are those of the Whisper plugin, converted here to safetensors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("govor_transformers", reason="govor-transformers is not installed")

import torch

import govor_transformers
import govor_whisper
from govor import Audio, Options, Recognizer, RuntimeOptions, Segment
from govor.formats.timeline import TimedWord, timed_words
from govor.models.catalogue import Catalogue
from govor.models.files.store import Store
from govor.plugins import Plugins
from govor.settings import Settings
from govor.testing.sound import read_audio
from support.models.ctranslate2_weights import as_transformers, read_variables
from support.models.random_speech_models import save_whisper, whisper_base

GREEDY = {"beam_size": 1, "temperature_fallback": False, "compute_type": "float32"}
WORD_SECONDS = 0.5
"""Both find words by attention; faster-whisper also cuts off long pauses: there they differ."""


@pytest.fixture(scope="module")
def conversion(models_dir: Path) -> Path:
    """The folder of the embedded model, in CTranslate2's format."""
    model = Catalogue(Plugins(Settings()), {}).find("whisper/whisper-base")
    assert model is not None
    return Store(models_dir, offline=True).install(model)


@pytest.fixture(scope="module")
def ours(conversion: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recognizer]:
    """The same weights, loaded by transformers."""
    folder = tmp_path_factory.mktemp("safetensors") / "whisper-base"
    weights = as_transformers(read_variables(conversion / "model.bin"))
    network = whisper_base()
    state = {name: torch.from_numpy(np.array(values)) for name, values in weights.items()}
    report = network.load_state_dict(state, assign=True, strict=False)
    assert (report.missing_keys, report.unexpected_keys) == (["proj_out.weight"], [])
    network.tie_weights()
    save_whisper(folder, network)
    family = govor_transformers.backend({"models": [{"id": "base", "folder": str(folder)}]})
    loaded = family.load(family.models()[0], folder, RuntimeOptions("cpu", precision="fp32"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def theirs(conversion: Path) -> Iterator[Recognizer]:
    """The Whisper plugin's model at temperature 0, beam 1, in float32."""
    family = govor_whisper.backend(GREEDY)
    spec = next(spec for spec in family.models() if spec.id == "whisper-base")
    loaded = family.load(spec, conversion, RuntimeOptions("cpu"))
    yield loaded
    loaded.close()


def text_of(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def words_of(segments: Sequence[Segment]) -> list[TimedWord]:
    return [word for segment in segments for word in timed_words(segment.words)]


def both(
    ours: Recognizer, theirs: Recognizer, audio: Audio, options: Options
) -> tuple[Sequence[Segment], Sequence[Segment]]:
    return ours.transcribe([audio], options)[0], theirs.transcribe([audio], options)[0]


@pytest.mark.parametrize("name", ["en.wav", "ru.wav"])
def test_the_text_is_the_same_and_words_lie_where_they_do(
    ours: Recognizer, theirs: Recognizer, samples: Path, name: str
) -> None:
    mine, other = both(ours, theirs, read_audio(samples / name), Options(words=True))
    assert text_of(mine) == text_of(other) != ""
    assert {segment.language for segment in (*mine, *other)} == {name[:2]}
    pairs = list(zip(words_of(mine), words_of(other), strict=True))
    assert all(word.text == its.text for word, its in pairs)
    apart = [abs(word.start - its.start) for word, its in pairs]
    assert float(np.median(apart)) <= 0.1
    assert max(apart) <= WORD_SECONDS or sorted(apart)[-2] <= WORD_SECONDS


@pytest.mark.slow
def test_a_real_reading_gives_the_same_words(
    ours: Recognizer, theirs: Recognizer, recording: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from govor_whisper.decoding import batched

    monkeypatch.setattr(batched, "WINDOW", 12 * 16_000)  # as long as the chunks that the core makes
    audio = read_audio(recording("two_cities.wav"))
    mine, other = [], []
    for window in batched.cut_windows(audio):
        for found, text in zip(
            both(ours, theirs, audio[window.start : window.end], Options()), (mine, other), strict=True
        ):
            text += re.findall(r"\w+", text_of(found))
    changed = [step for step in SequenceMatcher(None, mine, other).get_opcodes() if step[0] != "equal"]
    assert len(mine) > 100
    assert changed == [], [(mine[a:b], other[c:d]) for _, a, b, c, d in changed]


@pytest.mark.slow
def test_languages_are_as_probable(ours: Recognizer, theirs: Recognizer, samples: Path) -> None:
    audio = read_audio(samples / "ru_short.wav")
    mine, other = dict(ours.detect(audio)), dict(theirs.detect(audio))  # type: ignore[attr-defined]
    assert mine.keys() == other.keys()
    assert mine["ru"] == pytest.approx(other["ru"], abs=0.01)
    assert ours.transcribe([audio], Options())[0][0].language == "ru"
