"""Decoding in steps gives faster-whisper's text, to the letter, and lets others go between."""

import ctranslate2
import numpy as np
import pytest
from faster_whisper import WhisperModel

from govor import SAMPLE_RATE
from govor.testing import read_audio
from govor_whisper.decoding.sequential import SteppingModel, in_language

STRICT = {"log_prob_threshold": -0.15, "compression_ratio_threshold": 1.6}
"""Limits that clear speech exceeds too: every window passes all temperatures, or most."""


@pytest.fixture(scope="module")
def speech(samples):
    """Two languages in 40 s, and a second of silence between: two windows and more."""
    silence = np.zeros(SAMPLE_RATE, np.float32)
    english, russian = (read_audio(samples / name) for name in ("en.wav", "ru.wav"))
    return np.concatenate([english, silence, russian, silence, english])[: 40 * SAMPLE_RATE]


def transcribed(family, weights, audio, **options):
    """Return all text of a newly loaded model, which draws the same random numbers each time."""
    ctranslate2.set_random_seed(7)
    model = family(str(weights), device="cpu", compute_type="int8", cpu_threads=1)
    model.draws_at_once = None  # other numbers of samples at once would draw other random numbers
    found, _ = model.transcribe(audio, beam_size=1, language="en", **options)
    told = list(found)
    model.model.unload_model()
    return told


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": [0.0, 0.4, 0.8], **STRICT},
        {"temperature": [0.0, 0.6], "word_timestamps": True, **STRICT},
        {"temperature": [0.0], "condition_on_previous_text": False, "word_timestamps": True},
        {
            "temperature": [0.0, 0.2],
            "initial_prompt": "Minutes.",
            "hotwords": "report",
            "no_speech_threshold": 0.01,
        },
    ],
    ids=["ladder", "ladder and words", "words", "prompt and silence"],
)
def test_segments_are_those_of_faster_whisper(options, weights, speech):
    ours = transcribed(SteppingModel, weights, speech, **options)
    theirs = transcribed(WhisperModel, weights, speech, **options)
    assert [segment for segment in ours if segment] == [in_language(segment, "en") for segment in theirs]
    assert len(theirs) > 1


class Scripted:
    """faster-whisper's decoder with a given log-probability for each attempt."""

    def __init__(self, model, probabilities):
        self.asked = []
        self.drawn = []
        self._probabilities = iter(probabilities)
        self._decode = model.generate_with_fallback
        model.generate_with_fallback = self

    def __call__(self, encoded, prompt, tokenizer, options):
        [temperature] = options.temperatures
        self.drawn.append(options.best_of)
        self.asked.append(temperature)
        result, _, _, ratio = self._decode(encoded, prompt, tokenizer, options)
        return result, next(self._probabilities), temperature, ratio


@pytest.fixture
def stepping(weights):
    model = SteppingModel(str(weights), device="cpu", compute_type="int8", cpu_threads=1)
    yield model
    model.model.unload_model()


def test_others_may_go_first_before_every_further_temperature(stepping, samples):
    script = Scripted(stepping, [-3.0, -2.0, -0.5])
    ladder = [0.0, 0.2, 0.4, 0.6]
    segments, _ = stepping.transcribe(
        read_audio(samples / "ru_short.wav"), temperature=ladder, beam_size=1, best_of=3
    )
    asked = []
    for segment in segments:
        if segment is not None:
            break
        asked.append(list(script.asked))
    assert asked == [[0.0], [0.0, 0.2]]  # at each None
    assert segment.temperature == 0.4


def test_if_no_attempt_is_good_the_most_probable_is_taken_and_the_context_dropped(stepping, samples):
    Scripted(stepping, [-3.0, -1.5, -2.0])
    audio, ladder = read_audio(samples / "ru_short.wav"), [0.0, 0.2, 0.8]
    segments, _ = stepping.transcribe(audio, temperature=ladder, beam_size=1, best_of=3)
    told = [segment for segment in segments if segment]
    assert {(segment.avg_logprob, segment.temperature) for segment in told} == {(-1.5, 0.8)}


def test_a_temperatures_samples_are_drawn_in_parts_and_the_most_probable_of_all_is_taken(stepping, samples):
    script = Scripted(stepping, [-3.0, -0.5, -0.5])
    told = []
    decode = script._decode

    def decoded(*arguments):
        told.append(decode(*arguments))
        return told[-1]

    script._decode = decoded
    segments, _ = stepping.transcribe(
        read_audio(samples / "ru_short.wav"), temperature=[0.0, 0.8], beam_size=1, best_of=5
    )
    found = list(segments)
    assert (script.asked, script.drawn[1:]) == ([0.0, 0.8, 0.8], [3, 2])
    assert found.count(None) == 2  # before the temperature, and between its parts
    best = max((result for result, *_ in told[1:]), key=lambda result: result.scores[0])
    heard = [token for segment in found if segment for token in segment.tokens]
    assert heard == [token for token in best.sequences_ids[0] if token in heard]
