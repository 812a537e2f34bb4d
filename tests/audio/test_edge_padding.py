"""Recordings that begin or end amid a word: quiet is added if the model needs it, and times do not change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.audio.chunking import Chunk, Chunker, ChunkSizes, cut
from govor.audio.edge_padding import quiet
from govor.audio.policy import plan
from govor.audio.regions import SpeechRules
from govor.audio.resume import Resumption
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Word
from govor.engine.alignment.segment_times import place
from govor.testing import hum

FRAME, RIM = 160, 0.5
RULES = SpeechRules(silence=0.5, padding=0.2)
SAMPLES = round(RIM * SAMPLE_RATE)


class Script:
    """A detector with given probabilities; in a second stream it finds no speech."""

    frame = FRAME

    def __init__(self, probabilities: Sequence[float]):
        self._left = np.float32(probabilities)

    def stream(self) -> Script:
        told, self._left = Script(self._left.tolist()), np.empty(0, np.float32)
        return told

    def feed(self, audio: Audio) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        frames = len(audio) // FRAME
        said = np.zeros(frames, np.float32)
        said[: len(self._left[:frames])] = self._left[:frames]
        self._left = self._left[frames:]
        return said


def chunks(probabilities: Sequence[float], rim: float, maximum: float = 20.0) -> list[Chunk]:
    audio = hum(len(probabilities) * FRAME / SAMPLE_RATE)
    packing = ChunkSizes(maximum, min(maximum, 10.0), gap=3.0, overlap=0.1, rim=rim)
    return list(cut([audio], Chunker(Script(probabilities), RULES, packing)))


def added(chunk: Chunk) -> tuple[int, int]:
    return chunk.offsets[0], chunk.tail


def spoken(chunk: Chunk) -> list[float]:
    """Return the part of the audio that is the recording's."""
    return chunk.audio[chunk.offsets[0] : chunk.until].tolist()


@pytest.mark.parametrize(
    ("before", "behind", "expected"),
    [
        pytest.param(0, 0, (SAMPLES, SAMPLES), id="amid speech"),
        pytest.param(12, 4, (SAMPLES, SAMPLES), id="a detector that begins late"),
        pytest.param(20, 0, (0, SAMPLES), id="only its end"),
        pytest.param(0, 9, (SAMPLES, 0), id="only its start"),
        pytest.param(40, 40, (0, 0), id="pauses"),
    ],
)
def test_quiet_is_added_only_where_the_recording_begins_or_ends_amid_speech(
    before: int, behind: int, expected: tuple[int, int]
) -> None:
    (chunk,) = chunks([0.1] * before + [0.9] * 200 + [0.1] * behind, RIM)
    assert added(chunk) == expected


def test_a_model_that_wants_none_gets_none() -> None:
    assert [added(chunk) for chunk in chunks([0.9] * 200, 0.0)] == [(0, 0)]


def test_chunks_within_the_recording_get_none() -> None:
    first, middle, last = chunks(([0.9] * 300 + [0.0] * 400) * 2 + [0.9] * 300, RIM)
    assert [added(chunk) for chunk in (first, middle, last)] == [(SAMPLES, 0), (0, 0), (0, SAMPLES)]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.9]), st.integers(1, 150)), min_size=1, max_size=8),
    st.integers(100, 400),
)
def test_with_quiet_around_chunks_are_as_long_as_allowed_and_hold_the_same_at_the_same_times(
    runs: list[tuple[float, int]], longest: int
) -> None:
    probabilities = [probability for probability, length in runs for _ in range(length)]
    plain = chunks(probabilities, 0.0, longest / 100)
    padded = chunks(probabilities, RIM, longest / 100)
    assert [spoken(one) for one in padded] == [spoken(one) for one in plain]
    assert all(one.seconds <= longest / 100 + 1e-9 for one in padded)
    for one, other in zip(padded, plain, strict=True):
        lead = one.offsets[0] / SAMPLE_RATE
        assert (one.start, one.end, one.seam) == (other.start, other.end, other.seam)
        for second in np.arange(0, other.seconds, 0.07):
            assert one.recording_time(second + lead) == other.recording_time(second)


def test_times_within_the_quiet_are_those_of_the_edge() -> None:
    (chunk,) = chunks([0.9] * 200, RIM)
    words = (Word("one", 0.1, 0.9), Word("two", 2.2, 2.9))
    (segment,) = place(Segment("one two", 0.0, 3.0, words=words), chunk, Options())
    assert (segment.start, segment.end) == (0.0, 2.0)
    assert segment.words is not None
    assert [(word.start, word.end) for word in segment.words] == [(0.0, 0.4), (1.7, 2.0)]


def test_the_rest_of_a_chunk_keeps_the_quiet_after_it() -> None:
    (chunk,) = chunks([0.9] * 200, RIM)
    rest = Resumption(1.2, 0.2).rest(chunk)
    assert rest is not None
    assert added(rest) == (0, SAMPLES)
    assert (rest.start, rest.end) == (1.2, 2.0)


def test_the_quiet_is_noise_that_is_always_the_same_and_far_below_the_speech() -> None:
    for factor, level in ((1.0, -60.0), (0.001, -100.0)):
        speech = np.float32(factor) * hum(1.0) / np.float32(np.sqrt(np.square(hum(1.0)).mean()))
        noise = quiet(SAMPLES, [speech])
        assert 20 * np.log10(np.sqrt(np.square(noise).mean())) == pytest.approx(level, abs=0.2)
        np.testing.assert_array_equal(noise, quiet(SAMPLES, [speech]))


def test_models_ask_for_it_and_whisper_does_not() -> None:
    assert plan(ModelSpec("x", edge_padding=0.3), False, None)[1].rim == 0.3
    whisper = pytest.importorskip("govor_whisper")
    assert {spec.edge_padding for spec in whisper.backend({}).models()} == {0.0}
