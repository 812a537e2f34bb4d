"""Several languages in one recording: changes are found where they are, and nowhere else."""

import re

import numpy as np
import pytest

import govor_whisper
from govor import SAMPLE_RATE, Options, RuntimeOptions
from govor.testing import read_audio
from govor_whisper.languages.changes import Run, among, is_change, runs


def parts(*codes, chance=0.95):
    return [{code: chance, "la": 1 - chance} for code in codes]


def test_one_language_is_one_run():
    assert runs(parts(*["en"] * 20), "en") == [Run(0, 20, "en")]


@pytest.mark.parametrize("wrong", [["fi"], ["fi", "fi"], ["th", "vi", "zh"]])
def test_a_few_wrong_parts_change_nothing(wrong):
    heard = parts(*["en"] * 8, *wrong, *["en"] * 8)
    assert runs(heard, "en") == [Run(0, len(heard), "en")]


def test_a_language_that_lasts_is_a_run_of_its_own():
    heard = parts(*["en"] * 6, *["ru"] * 8, *["en"] * 6)
    assert runs(heard, "en") == [Run(0, 6, "en"), Run(6, 14, "ru"), Run(14, 20, "en")]


def test_a_window_may_begin_in_another_language_than_was_spoken_before():
    assert runs(parts(*["ru"] * 6), "en") == [Run(0, 6, "ru")]


def test_doubtful_parts_change_nothing():
    assert runs([{"fi": 0.06, "sv": 0.05, "en": 0.04}] * 20, "en") == [Run(0, 20, "en")]


def test_only_the_candidates_count():
    assert among({"uk": 0.6, "ru": 0.3, "en": 0.1}, ("ru", "en")) == pytest.approx({"ru": 0.75, "en": 0.25})
    assert among({"uk": 0.6, "ru": 0.4}, ()) == {"uk": 0.6, "ru": 0.4}


@pytest.mark.parametrize(
    ("chances", "after", "named", "changes"),
    [
        ({"uk": 0.95, "ru": 0.05}, "uk", (), False),  # relatives that Whisper confuses
        ({"uk": 0.95, "ru": 0.05}, "uk", ("ru", "uk"), True),
        ({"de": 0.95, "ru": 0.05}, "de", (), True),
        ({"de": 0.7, "ru": 0.05}, "de", (), False),
    ],
)
def test_a_change_must_be_sure_and_to_no_relative_unless_named(chances, after, named, changes):
    assert is_change(chances, "ru", after, named) is changes


@pytest.fixture(scope="module")
def mixed(samples):
    """13 s of English, 20 s of Russian."""
    english, russian = (read_audio(samples / name) for name in ("en.wav", "ru.wav"))
    return np.concatenate([english, np.zeros(SAMPLE_RATE, np.float32), russian])


@pytest.fixture(scope="module")
def boundary(samples):
    """Seconds at which the language changes there."""
    return len(read_audio(samples / "en.wav")) / SAMPLE_RATE + 0.5


@pytest.fixture(scope="module")
def steady(family, base, weights):
    """Whisper base without the fallback, which draws at random."""
    recognizer = govor_whisper.backend({"temperature_fallback": False}).load(
        base, weights, RuntimeOptions("cpu")
    )
    yield recognizer
    recognizer.close()


def cyrillic(text):
    return len(re.findall("[а-яё]", text.lower())) > len(re.findall("[a-z]", text.lower()))


def check_mixed(recognizer, mixed, boundary, **options):
    segments = [part for part in recognizer.transcribe_long(mixed, Options(**options)) if part]
    assert {segment.language for segment in segments} == {"en", "ru"}
    for segment in segments:
        assert (segment.language == "ru") is cyrillic(segment.text) is (segment.start > boundary - 1), segment
        assert segment.end < boundary + 1 or segment.start > boundary - 1
    text = " ".join(segment.text for segment in segments).lower()
    assert "next week" in text
    assert "магазин" in text or "пятниц" in text


@pytest.mark.slow
@pytest.mark.parametrize("languages", [(), ("en", "ru")])
def test_each_language_is_written_as_it_is_spoken(steady, mixed, boundary, languages):
    check_mixed(steady, mixed, boundary, languages=languages)


@pytest.mark.slow
def test_so_it_is_in_batches(family, base, weights, mixed, boundary):
    table = {"temperature_fallback": False, "long_audio": "batched", "batch_size": 2}
    recognizer = govor_whisper.backend(table).load(base, weights, RuntimeOptions("cpu"))
    check_mixed(recognizer, mixed, boundary)
    recognizer.close()


@pytest.mark.slow
def test_a_language_that_is_stated_never_changes(steady, mixed):
    segments = [part for part in steady.transcribe_long(mixed, Options(language="en")) if part]
    assert {segment.language for segment in segments} == {"en"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["en.wav", "ru.wav"])
def test_a_recording_in_one_language_is_written_as_if_that_were_stated(steady, samples, name):
    audio = read_audio(samples / name)
    free, stated = (
        [part for part in steady.transcribe_long(audio, Options(language=code)) if part]
        for code in (None, name[:2])
    )
    assert free == stated


def test_noise_makes_no_language_of_a_recording_another(steady, samples):
    audio = read_audio(samples / "ru.wav")
    noisy = audio + np.random.default_rng(0).normal(0, audio.std() / 2, len(audio)).astype(np.float32)
    assert {part.language for part in steady.transcribe_long(noisy, Options()) if part} == {"ru"}


def test_the_first_window_is_encoded_once_though_its_language_is_detected(steady, samples, monkeypatch):
    encoded = []
    encode = steady._model.encode
    monkeypatch.setattr(steady._model, "encode", lambda features: encoded.append(1) or encode(features))
    steady.transcribe([read_audio(samples / "ru_short.wav")], Options())
    assert len(encoded) == 1
