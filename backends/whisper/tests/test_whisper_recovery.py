"""Lost speech is decoded again, and text that nobody can say is left out."""

import re
from dataclasses import dataclass

import numpy as np
import pytest

import govor_whisper
from govor import SAMPLE_RATE, Options, RuntimeOptions
from govor.testing import read_audio
from govor_whisper.decoding.recovery import SpeechRecovery, as_integers, letters, speech_pieces


@dataclass(frozen=True)
class Said:
    """The fields of faster-whisper's segment that count here."""

    text: str
    start: float
    end: float
    seek: int = 0
    compression_ratio: float = 1.0
    avg_logprob: float = -0.2
    words: None = None


class Again:
    """A second decoding that gives the same for every piece, and keeps the pieces."""

    def __init__(self, text="So much was said.", probability=-0.2):
        self.text, self.probability, self.pieces = text, probability, []

    def __call__(self, audio):
        self.pieces.append(audio)
        return [None, Said(self.text, 0.0, 9.0, avg_logprob=self.probability)]


@pytest.fixture(scope="module")
def english(samples):
    """12.7 s of clear English."""
    return read_audio(samples / "en.wav")


@pytest.fixture
def again():
    return Again()


def told(audio, again, *found):
    return [part for part in SpeechRecovery(as_integers(audio), again).recovered(found) if part]


def test_speech_without_text_is_decoded_again_in_pieces(english, again):
    segments = told(english, again)
    assert len(again.pieces) == len(segments) == len(speech_pieces(english)) > 1
    assert {segment.text for segment in segments} == {again.text}
    times = [time for segment in segments for time in (segment.start, segment.end)]
    assert times == sorted(times)
    assert times[-1] <= len(english) / SAMPLE_RATE


def test_a_piece_has_the_samples_of_the_recording(english, again):
    told(english, again)
    start, end = speech_pieces(english)[0]
    assert np.abs(again.pieces[0] - english[start:end]).max() <= 1 / 32768


def test_lost_speech_between_two_segments_is_put_between_them(english, again):
    first, last = (
        Said("Good morning to you all.", 0.0, 1.5),
        Said("See you next week, and good bye.", 10.0, 12.7),
    )
    segments = told(english, again, first, last)
    assert (segments[0], segments[-1]) == (first, last)
    assert len(segments) > 2


@pytest.mark.parametrize(
    "sound", [np.zeros, lambda n, kind: np.random.default_rng(0).normal(0, 0.05, n).astype(kind)]
)
def test_without_speech_nothing_is_decoded_again(sound, again):
    assert told(sound(60 * SAMPLE_RATE, np.float32), again) == []
    assert again.pieces == []


def test_a_pause_is_no_hole(english, again):
    told(english, again, Said("word " * 12, 0.0, 5.0), Said("word " * 12, 8.5, 12.7))
    assert again.pieces == []


def test_one_sentence_over_many_seconds_of_speech_is_decoded_again(english, again):
    segments = told(english, again, Said("Thank you.", 0.0, 12.7))
    assert {segment.text for segment in segments} == {again.text}


def test_the_first_result_stays_if_the_second_has_no_more(english):
    first = Said("A slow speaker says no more than this.", 0.0, 12.7)
    assert told(english, Again("No."), first) == [first]


def test_an_improbable_second_result_is_dropped(english):
    assert told(english, Again(probability=-1.5)) == []


def test_a_second_result_that_loops_is_dropped(english):
    assert told(english, Again("and so " * 60)) == []


@pytest.mark.parametrize("count", [1, 40])
def test_a_text_that_repeats_itself_gives_way_to_another_amount(english, count):
    looping = Said("So much was said. " * count, 0.0, 12.7, compression_ratio=3.0)
    again = Again()
    assert "".join(segment.text for segment in told(english, again, looping)) == again.text * len(
        again.pieces
    )


def test_a_refrain_that_was_written_as_often_as_it_is_said_stays(english):
    again = Again()
    refrain = [
        Said(again.text, start / SAMPLE_RATE, end / SAMPLE_RATE, compression_ratio=3.0)
        for start, end in speech_pieces(english)
    ]
    assert told(english, again, *refrain) == refrain


@pytest.mark.parametrize(("start", "end"), [(12.0, 12.16), (12.5, 99.0), (12.69, 12.7)])
def test_a_segment_faster_than_speech_is_left_out(english, again, start, end):
    before = Said("word " * 30, 0.0, start)
    credit = Said("Subtitles by the editors of the community of translators.", start, end)
    assert told(english, again, before, credit) == [before]


def test_a_segment_of_no_length_with_time_since_the_last_one_stays(english, again):
    before, late = Said("word " * 24, 0.0, 9.0), Said("See you next week.", 12.5, 12.52)
    assert told(english, again, before, late) == [before, late]


def test_letters_of_dense_scripts_count_for_more():
    assert letters(" да ") == 2
    assert letters("東京") == 6


@pytest.mark.slow
def test_a_tenth_of_a_second_gives_no_sentence(loaded, samples):
    audio = read_audio(samples / "ru_short.wav")
    for start in (4_000, 9_000):
        clip = audio[start : start + 2_560]
        for segment in loaded.transcribe_long(clip, Options(language="ru")):
            assert segment is None or len(segment.text) <= 60 * (segment.end - segment.start)


@pytest.mark.parametrize(("samples_given", "shown"), [(6_400, False), (9_600, True)])
def test_the_shortest_audio_is_decoded_without_prompt_and_keywords(
    loaded, samples, samples_given, shown, monkeypatch
):
    asked = []
    transcribe = loaded._model.transcribe
    monkeypatch.setattr(
        loaded._model,
        "transcribe",
        lambda audio, **options: asked.append(options) or transcribe(audio, **options),
    )
    options = Options(language="en", prompt="Glossary: Zoom.", keywords=("Grafana",))
    loaded.transcribe([read_audio(samples / "en.wav")[:samples_given]], options)
    assert {bool(asked[0]["initial_prompt"]), bool(asked[0]["hotwords"])} == {shown}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sequential", "batched"])
def test_a_refrain_comes_out_whole(way, family, base, weights, samples):
    recognizer = govor_whisper.backend({"long_audio": way}).load(base, weights, RuntimeOptions("cpu"))
    phrase = np.concatenate([read_audio(samples / "ru_short.wav"), np.zeros(SAMPLE_RATE // 5, np.float32)])
    segments = [part for part in recognizer.transcribe_long(np.tile(phrase, 12), Options()) if part]
    recognizer.close()
    spoken = re.findall(r"\w+", " ".join(segment.text for segment in segments).lower())
    assert 9 <= spoken.count("хочу") <= 12  # two without a second decoding; its samples are random
    assert len(spoken) <= 12 * 6
