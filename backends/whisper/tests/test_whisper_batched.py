"""Long audio: window after window, or several windows together. Real weights; recordings if they are here."""

import re
from collections import Counter
from difflib import SequenceMatcher
from types import SimpleNamespace

import numpy as np
import pytest

import govor_whisper
from govor import SAMPLE_RATE, Options, RuntimeOptions
from govor.testing import read_audio
from govor_whisper.decoding.batched import WINDOW, Task, Window, cut_windows
from govor_whisper.device import choose_batch


@pytest.fixture(scope="module")
def batched(family, base, weights):
    """Whisper base that decodes two windows at a time; with the default fallback."""
    table = {"long_audio": "batched", "batch_size": 2}
    recognizer = govor_whisper.backend(table).load(base, weights, RuntimeOptions("cpu"))
    yield recognizer
    recognizer.close()


@pytest.fixture(scope="module")
def english(samples):
    """12.7 s of clear English."""
    return read_audio(samples / "en.wav")


@pytest.fixture(scope="module")
def minute(english):
    """The recording three times, with long pauses: in three windows, no text looks like a loop."""
    return np.tile(np.concatenate([english, np.zeros(8 * SAMPLE_RATE, np.float32)]), 3)


def words(text):
    return re.sub(r"[^\w\s]", "", text).lower().split()


def text_of(recognizer, audio, **options):
    return " ".join(segment.text for segment in segments_of(recognizer, audio, **options))


def segments_of(recognizer, audio, **options):
    """Return the segments, without the None at points where others may go first."""
    return [segment for segment in recognizer.transcribe_long(audio, Options(**options)) if segment]


def most_repeated(spoken, length):
    """Return how often the most frequent run of so many words occurs."""
    runs = Counter(tuple(spoken[at : at + length]) for at in range(len(spoken) - length + 1))
    return max(runs.values())


@pytest.mark.slow
@pytest.mark.parametrize("way", ["loaded", "batched"])
def test_verse_is_transcribed_to_its_end_without_a_loop(way, recording, request):
    spoken = words(text_of(request.getfixturevalue(way), recording("ru_long.wav"), language="ru"))
    assert most_repeated(spoken, 3) == 1
    assert 70 <= len(spoken) <= 90  # of about 80
    assert {"вечерня", "тишине", "чернец"} <= set(spoken)


@pytest.mark.slow
def test_both_ways_give_the_same_text(loaded, batched, recording):
    audio = recording("two_cities.wav")
    one, other = (words(text_of(way, audio, language="en")) for way in (loaded, batched))
    assert SequenceMatcher(None, one, other).ratio() > 0.95


@pytest.mark.slow
def test_repeated_words_are_written_as_often(batched, minute):
    spoken = words(text_of(batched, minute))
    assert [spoken.count(word) for word in ("morning", "thursday", "report")] == [3, 3, 3]


def test_times_and_words_of_a_batch_go_forward(batched, minute):
    segments = segments_of(batched, minute, words=True)
    for times in (
        [time for segment in segments for time in (segment.start, segment.end)],
        [time for segment in segments for word in segment.words for time in (word.start, word.end)],
    ):
        assert times == sorted(times)
        assert 50 < times[-1] <= 63
    assert {segment.language for segment in segments} == {"en"}


def test_no_window_is_decoded_for_a_client_that_has_left(batched, minute, monkeypatch):
    encoded = []
    encode = batched._model.encode
    monkeypatch.setattr(batched._model, "encode", lambda features: encoded.append(1) or encode(features))
    segments = batched.transcribe_long(minute, Options(language="en"))
    assert next(filter(None, segments)).text
    segments.close()
    assert len(encoded) == 1  # the first batch of two; there are three windows
    assert list(segments) == []


def test_windows_are_all_of_the_audio_and_end_in_pauses(minute):
    windows = cut_windows(minute)
    assert [window.start for window in windows] == [0, *(window.end for window in windows[:-1])]
    assert windows[-1].end == len(minute)
    assert all(window.end - window.start <= WINDOW for window in windows)
    for window in windows[:-1]:
        around = minute[window.end - 160 : window.end + 160]
        assert np.abs(around).max() < 0.02


def test_noise_without_a_pause_is_cut_at_thirty_seconds():
    noise = np.random.default_rng(0).standard_normal(WINDOW + 5).astype(np.float32) / 10
    assert cut_windows(noise) == [Window(0, WINDOW, WINDOW), Window(WINDOW, WINDOW + 5, WINDOW + 5)]


@pytest.fixture
def task(loaded, english):
    """The English sample as the only window."""
    options = {"language": "en", "beam_size": 5, "word_timestamps": False}
    return Task(loaded._model, english, options, [0.0, 0.2])


def found(text, end, avg_logprob=-0.1, no_speech_prob=0.0):
    """Return a segment of the batched pipeline for a window."""
    return SimpleNamespace(text=text, end=end, avg_logprob=avg_logprob, no_speech_prob=no_speech_prob)


def recovered(task, *segments):
    window = Window(0, len(task.audio), len(task.audio))
    return "".join(segment.text for segment in task.recover(window, list(segments), "en") if segment)


def test_a_good_window_stays_as_it_is(task):
    assert recovered(task, found(" All is well.", end=12.5)) == " All is well."


@pytest.mark.parametrize(
    "bad", [found(" and so" * 60, end=12.5), found(" Mumble.", end=12.5, avg_logprob=-1.2)]
)
def test_a_window_that_loops_or_is_improbable_is_decoded_again(task, bad):
    text = recovered(task, bad)
    assert "conference room" in text
    assert bad.text not in text


def test_without_the_fallback_a_window_is_left_as_it_is(task):
    steady = Task(task.model, task.audio, task.options, [0.0])
    assert recovered(steady, found(" and so" * 60, end=12.5)) == " and so" * 60


def test_speech_after_the_last_timestamp_is_decoded_as_well(task):
    text = recovered(task, found(" Good morning.", end=6.0))
    assert text.startswith(" Good morning.")
    assert "see you next week" in text


def test_a_window_with_no_text_is_decoded_again(task):
    assert "Good morning" in recovered(task)


def test_improbable_text_without_speech_is_dropped(task):
    assert recovered(task, found(" Thank you.", end=12.5, avg_logprob=-1.2, no_speech_prob=0.9)) == ""


@pytest.mark.parametrize(
    ("way", "size", "kind", "chosen"),
    [
        ("auto", 0, "cpu", 0),
        ("auto", 3, "cpu", 0),
        ("auto", 0, "cuda", 0),
        ("batched", 0, "cuda", 8),
        ("batched", 0, "cpu", 4),
        ("batched", 3, "cuda", 3),
        ("sequential", 3, "cuda", 0),
    ],
)
def test_the_way_follows_the_setting_and_the_device(way, size, kind, chosen):
    assert choose_batch(way, size, kind) == chosen
