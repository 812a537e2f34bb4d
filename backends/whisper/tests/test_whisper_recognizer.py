import logging
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from faster_whisper import WhisperModel

import govor_whisper
from govor import Capability, Options, RuntimeOptions, Token, usable_cores
from govor.testing import read_audio
from govor_whisper.recognizer import WhisperRecognizer, ladder

ON_CPU = RuntimeOptions("cpu", workers=1)
JFK = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
)


def plain(text):
    return re.sub(r"[^\w\s]", "", text).lower()


@pytest.fixture(scope="module")
def english(recording):
    return recording("jfk.flac")


@pytest.fixture(scope="module")
def russian(recording):
    return recording("golos_02.wav")


@pytest.fixture(scope="module")
def order(samples):
    """Clear Russian: the last bits of features, which depend on BLAS's threads, do not change its text."""
    return read_audio(samples / "ru_short.wav")


@pytest.fixture(scope="module")
def steady(base, weights):
    """Whisper base without the fallback, which draws at random."""
    recognizer = govor_whisper.backend({"temperature_fallback": False}).load(
        base, weights, RuntimeOptions("cpu")
    )
    yield recognizer
    recognizer.close()


def settings(**table):
    return govor_whisper.read_settings(table)


def heard(recognizer, audio, **options):
    ((segment,),) = recognizer.transcribe([audio], Options(**options))
    return segment


def test_the_words_of_a_recording_come_out(loaded, english):
    segment = heard(loaded, english)
    assert plain(segment.text) == JFK
    assert segment.language == "en"
    assert 0 <= segment.start < segment.end <= 11
    assert segment.temperature == 0


@pytest.mark.slow
def test_text_and_times_equal_a_direct_call_of_faster_whisper(loaded, weights, recording):
    audio = recording("two_cities.wav")
    direct = WhisperModel(str(weights), device="cpu", compute_type="int8")
    found = list(direct.transcribe(audio, beam_size=5)[0])
    segments = [part for part in loaded.transcribe_long(audio, Options(temperature=0.0)) if part]
    assert [(s.text, s.start, s.end) for s in segments] == [
        (part.text.strip(), pytest.approx(part.start), pytest.approx(part.end)) for part in found
    ]
    (whole,) = loaded.transcribe([audio], Options())
    assert [segment.text for segment in whole] == [part.text.strip() for part in found]


def test_words_follow_one_another_and_make_up_the_text(loaded, english):
    segment = heard(loaded, english, words=True)
    times = [time for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert " ".join(word.text for word in segment.words) == segment.text
    assert all(0 < word.probability <= 1 for word in segment.words)
    assert (segment.start, segment.end) == (times[0], times[-1])


def test_a_segment_is_made_of_plain_numbers(loaded, english):
    [segment] = loaded.transcribe_long(english, Options(words=True))
    numbers = (segment.start, segment.end, segment.avg_logprob, segment.no_speech_prob)
    assert {type(number) for number in (*numbers, segment.words[0].start)} == {float}
    assert {type(token.id) for token in segment.tokens} == {int}
    assert b"".join(token.data for token in segment.tokens).decode().strip() == segment.text


def test_the_spoken_language_is_detected(loaded, russian):
    assert heard(loaded, russian).language == "ru"


def test_detection_keeps_to_the_candidates(steady, russian):
    assert heard(steady, russian, languages=("en", "ru", "de")).language == "ru"
    assert heard(steady, russian, languages=("de", "uk")).language == "uk"
    assert heard(steady, russian, languages=("tlh", "uk")).language == "uk"


def test_a_model_of_one_language_is_never_asked_to_detect(family, base, weights, english):
    recognizer = family.load(replace(base, languages=("en",)), weights, RuntimeOptions("cpu"))
    assert heard(recognizer, english, languages=("ru", "de")).language == "en"
    recognizer.close()


def test_russian_is_translated_to_english(steady, order):
    segment = heard(steady, order, task="translate", language="ru")
    assert segment.text == "I want to order a table for two."
    assert segment.language == "ru"


def test_prompt_and_keywords_are_taken(steady, english):
    keywords = ("Americans", "country")
    segment = heard(steady, english, prompt="Kennedy speaks.", keywords=keywords, language="en")
    assert plain(segment.text) == JFK


class Whole(str):
    """A prompt that must not be tokenized as a whole."""

    def strip(self, chars: str | None = None) -> str:
        raise AssertionError("all of it is tokenized")


def test_of_a_huge_prompt_only_its_end_is_tokenized(steady, english):
    segment = heard(steady, english, prompt=Whole("Kennedy speaks. " * 10_000), language="en")
    assert plain(segment.text) == JFK


def test_a_full_prompt_and_many_keywords_leave_room_for_the_text(steady, english):
    names = ("Washington", "Lincoln", "Jefferson", "Kennedy", "Congress", "Massachusetts") * 6
    segment = heard(steady, english, prompt="He spoke to the nation. " * 60, keywords=names, language="en")
    assert "ask not what your country can do" in plain(segment.text)


@pytest.mark.parametrize("samples", [0, 8_000])
def test_silence_has_no_segment(steady, samples):
    silence = np.zeros(samples, np.float32)
    assert steady.transcribe([silence, silence], Options()) == [[], []]
    assert list(steady.transcribe_long(silence, Options())) == []


def test_a_temperature_is_used_and_reported(steady, english):
    assert heard(steady, english, temperature=0.4, language="en").temperature == 0.4


@pytest.mark.parametrize(
    ("first", "fallback", "tried"),
    [
        (0.0, True, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.5, True, [0.5, 0.7, 0.9]),
        (1.0, True, [1.0]),
        (0.5, False, [0.5]),
    ],
)
def test_the_fallback_climbs_from_the_requested_temperature(first, fallback, tried):
    assert ladder(first, fallback) == tried


class FakeModel:
    """Stands in for faster-whisper's model: two segments a second apart; it records its calls."""

    def __init__(self):
        self.closed_after = None
        self.hf_tokenizer = SimpleNamespace(
            token_to_id={"<|endoftext|>": 8}.get, id_to_token={7: "Ġpart"}.get
        )

    def detecting(self, *_):
        return self

    def transcribe(self, audio, **asked):
        return self._segments(), SimpleNamespace(language="jw")

    def _segments(self):
        done = 0
        try:
            for done in (1, 2):
                yield SimpleNamespace(
                    text=f" part {done}", start=done - 1.0, end=float(done), tokens=[7] * done, words=None,
                    avg_logprob=-float(done), no_speech_prob=0.1 * done, temperature=0.2 * done,
                    compression_ratio=1.0, language="jw",
                )  # fmt: skip
        finally:
            self.closed_after = done


@pytest.fixture
def fake():
    return FakeModel()


def test_closing_the_iterator_stops_the_model(fake):
    recognizer = WhisperRecognizer(fake, ("en", "jv"), settings(), ON_CPU)
    segments = recognizer.transcribe_long(np.ones(32_000, np.float32), Options())
    assert next(segments).text == "part 1"
    segments.close()
    assert fake.closed_after == 1


def test_segments_lie_within_the_recording_and_have_their_tokens(fake):
    recognizer = WhisperRecognizer(fake, ("en", "jv"), settings(), ON_CPU)
    (found,) = recognizer.transcribe([np.ones(24_000, np.float32)], Options())
    assert [(segment.text, segment.start, segment.end) for segment in found] == [
        ("part 1", 0.0, 1.0),
        ("part 2", 1.0, 1.5),  # the recording's end: the model's time was beyond it
    ]
    assert [segment.language for segment in found] == ["jv", "jv"]
    assert [segment.temperature for segment in found] == [0.2, 0.4]
    assert found[1].tokens == (Token(7, b" part"), Token(7, b" part"))


def test_a_loaded_model_keeps_its_contract(loaded):
    assert loaded.info.capabilities == {Capability.LONG_FORM, Capability.DETECT}
    assert loaded.info.parallel == loaded.info.runtime.workers == min(2, usable_cores())


def test_transcribing_logs_nothing_at_info(steady, russian, caplog):
    with caplog.at_level(logging.INFO):
        heard(steady, russian)
    assert caplog.records == []


def test_the_language_is_detected_without_the_text(loaded, english, order):
    for audio, code in ((english, "en"), (order, "ru")):
        chances = loaded.detect(audio)
        assert chances[0][0] == code
        assert chances[0][1] > 0.7
        assert sum(chance for _, chance in chances) == pytest.approx(1, abs=0.01)


def test_silence_has_no_language(loaded):
    assert loaded.detect(np.zeros(16_000, np.float32)) == []
