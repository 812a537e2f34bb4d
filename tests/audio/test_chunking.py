"""Speech cut and packed while it is read: no sample is lost or repeated, and all times are the recording's.

Most recordings here count: each sample has its own number, so a chunk shows where it comes from.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from govor.audio.chunking import NO_DETECTION, Chunk, Chunker, ChunkSizes, cut
from govor.audio.policy import LONG_FORM_RULES
from govor.audio.regions import SpeechFinder, SpeechRules
from govor.audio.resume import ChunkAudio
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.testing import FakeDetector, hum, read_audio, silence

FRAME = 160
"""Samples: 10 ms, so that short recordings hold many frames."""


class Script:
    """A detector with given probabilities; in a second stream it finds no speech."""

    frame = FRAME

    def __init__(self, probabilities: Sequence[float], frame: int = FRAME):
        self._probabilities = np.float32(probabilities)
        self.frame = frame

    def stream(self) -> Script:
        told, self._probabilities = self._probabilities, np.empty(0, np.float32)
        return Script(told, self.frame)

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        frames = len(audio) // self.frame
        said = np.zeros(frames, np.float32)
        said[: len(self._probabilities[:frames])] = self._probabilities[:frames]
        self._probabilities = self._probabilities[frames:]
        return said


def counting(samples: int) -> Audio:
    """A recording whose samples are 0, 1, 2, …: all exact in float32."""
    assert samples < 2**24
    return np.arange(samples, dtype=np.float32)


def chunks(
    probabilities: Sequence[float],
    rules: SpeechRules,
    packing: ChunkSizes,
    *,
    samples: int | None = None,
    blocks: Sequence[int] = (),
) -> list[Chunk]:
    """Return the chunks of a counting recording fed in blocks of these sizes; the rest comes last."""
    audio = counting(len(probabilities) * FRAME if samples is None else samples)
    return list(
        cut(np.split(audio, np.cumsum(blocks, dtype=int)), Chunker(Script(probabilities), rules, packing))
    )


def regions(probabilities: Sequence[float], rules: SpeechRules, samples: int) -> list[tuple[int, int]]:
    """Return start and end of the speech, found from the whole recording."""
    finder = SpeechFinder(rules, FRAME)
    found = finder.add(np.float32([*probabilities, 0][: samples // FRAME + 1])) + finder.finish(samples)
    return [(region.start, region.end) for region in found]


def parts(chunk: Chunk) -> list[tuple[int, int]]:
    """Return start and end in the recording of each part."""
    edges = [*chunk.offsets, len(chunk.audio)]
    lengths = [end - begin for begin, end in pairwise(edges)]
    return [(start, start + length) for start, length in zip(chunk.starts, lengths, strict=True)]


def heard(found: list[Chunk]) -> list[int]:
    """Return the numbers of all samples in the chunks, in order of appearance."""
    return [int(number) for chunk in found for number in chunk.audio]


def hundredths(least: int, most: int) -> st.SearchStrategy[float]:
    return st.integers(least, most).map(lambda value: value / 100)


RULES = st.builds(
    SpeechRules,
    threshold=st.sampled_from([0.0, 0.3, 0.5]),
    silence=hundredths(0, 30),
    padding=hundredths(0, 20),
    minimum=st.one_of(st.just(0.0), hundredths(0, 10)),
)
PACKINGS = st.builds(
    ChunkSizes,
    maximum=hundredths(20, 120),
    target=hundredths(5, 120),
    gap=st.one_of(hundredths(1, 80), st.just(1e9)),
)
RUNS = st.lists(st.tuples(st.sampled_from([0.0, 0.05, 0.2, 0.4, 0.7, 1.0]), st.integers(1, 60)), max_size=14)
PROBABILITIES = RUNS.map(lambda runs: [probability for probability, length in runs for _ in range(length)])
BLOCKS = st.lists(st.integers(0, 40 * FRAME), max_size=20)
MISSING = st.integers(0, FRAME - 1)
"""Samples that the last frame lacks."""

any_recording = given(PROBABILITIES, RULES, PACKINGS, BLOCKS, MISSING)
thorough = settings(deadline=None, max_examples=120)


@thorough
@any_recording
def test_all_speech_is_in_exactly_one_chunk_and_in_order(
    probabilities: list[float], rules: SpeechRules, packing: ChunkSizes, blocks: list[int], missing: int
) -> None:
    samples = max(0, len(probabilities) * FRAME - missing)
    found = chunks(probabilities, rules, packing, samples=samples, blocks=blocks)
    speech = [number for start, end in regions(probabilities, rules, samples) for number in range(start, end)]
    assert heard(found) == speech


@thorough
@any_recording
@example([1.0] * 30 + [0.0] * 40, SpeechRules(silence=0.3, padding=0.0), ChunkSizes(0.4, 0.4), [1600] * 7, 0)
def test_chunks_do_not_depend_on_the_blocks(
    probabilities: list[float], rules: SpeechRules, packing: ChunkSizes, blocks: list[int], missing: int
) -> None:
    samples = max(0, len(probabilities) * FRAME - missing)
    in_blocks = chunks(probabilities, rules, packing, samples=samples, blocks=blocks)
    at_once = chunks(probabilities, rules, packing, samples=samples)
    assert [parts(chunk) for chunk in in_blocks] == [parts(chunk) for chunk in at_once]


@thorough
@any_recording
def test_a_chunk_knows_where_its_parts_come_from(
    probabilities: list[float], rules: SpeechRules, packing: ChunkSizes, blocks: list[int], missing: int
) -> None:
    samples = max(0, len(probabilities) * FRAME - missing)
    for chunk in chunks(probabilities, rules, packing, samples=samples, blocks=blocks):
        told = [number for start, end in parts(chunk) for number in range(start, end)]
        assert told == heard([chunk])


@thorough
@any_recording
def test_chunks_keep_to_maximum_target_and_gap_and_are_as_long_as_these_allow(
    probabilities: list[float], rules: SpeechRules, packing: ChunkSizes, blocks: list[int], missing: int
) -> None:
    samples = max(0, len(probabilities) * FRAME - missing)
    found = chunks(probabilities, rules, packing, samples=samples, blocks=blocks)
    target, gap = min(packing.target, packing.maximum) * SAMPLE_RATE, packing.gap * SAMPLE_RATE
    for chunk in found:
        assert chunk.seconds <= packing.maximum
        assert len(chunk.offsets) == 1 or len(chunk.audio) <= target
        assert all(after[0] - before[1] < gap for before, after in pairwise(parts(chunk)))
    for before, after in pairwise(found):
        silent = parts(after)[0][0] - parts(before)[-1][1]
        first = parts(after)[0][1] - parts(after)[0][0]
        assert silent >= gap or len(before.audio) + first > target


@thorough
@any_recording
def test_every_time_is_restored_over_the_seams(
    probabilities: list[float], rules: SpeechRules, packing: ChunkSizes, blocks: list[int], missing: int
) -> None:
    samples = max(0, len(probabilities) * FRAME - missing)
    for chunk in chunks(probabilities, rules, packing, samples=samples, blocks=blocks):
        numbers = heard([chunk])
        at_seams = {offset + step for offset in chunk.offsets[1:] for step in (-1, 0, 1)}
        for place in {0, len(numbers) - 1, *range(0, len(numbers), 97), *at_seams & {*range(len(numbers))}}:
            begins, ends, number = place / SAMPLE_RATE, (place + 1) / SAMPLE_RATE, numbers[place]
            assert chunk.recording_time(begins) == number / SAMPLE_RATE
            assert chunk.recording_time(ends, is_end=True) == (number + 1) / SAMPLE_RATE


@given(
    lengths=st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 9000)), min_size=1, max_size=5),
    rims=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    share=st.floats(0, 1),
)
def test_the_rest_of_a_chunk_keeps_its_places_in_the_recording(
    lengths: list[tuple[int, int]], rims: tuple[int, int], share: float
) -> None:
    offsets, starts, samples, position = [], [], rims[0], 0
    for length, gap in lengths:
        position += gap
        offsets.append(samples)
        starts.append(position)
        samples, position = samples + length, position + length
    audio = np.arange(samples + rims[1], dtype=np.float32)
    chunk = Chunk(audio, tuple(offsets), tuple(starts), tail=rims[1])
    gone = round(share * samples)
    rest = chunk.rest(gone / SAMPLE_RATE)
    recording = np.full(position + 10, -1, np.float32)
    for start, offset, (length, _) in zip(starts, offsets, lengths, strict=True):
        recording[start : start + length] = audio[offset : offset + length]
    again = ChunkAudio(chunk.without_audio())
    for block in np.array_split(recording, 7):
        again.add(block)
    assert again.missing == 0
    assert again.audio[rims[0] : samples].tolist() == audio[rims[0] : samples].tolist()
    assert rest.audio.tolist() == audio[gone:].tolist()
    for sample in range(max(gone, rims[0]), samples, 97):
        assert rest.recording_time((sample - gone) / SAMPLE_RATE) == chunk.recording_time(
            sample / SAMPLE_RATE
        )
    assert rest.end == chunk.end


def test_a_seam_is_found_though_its_time_is_not_an_exact_number() -> None:
    for seam in range(1, 20_000):
        chunk = Chunk(np.zeros(seam + 1, np.float32), (0, seam), (SAMPLE_RATE, seam + 2 * SAMPLE_RATE))
        assert chunk.recording_time(seam / SAMPLE_RATE) == (seam + 2 * SAMPLE_RATE) / SAMPLE_RATE
        assert chunk.recording_time(seam / SAMPLE_RATE, is_end=True) == (seam + SAMPLE_RATE) / SAMPLE_RATE


def test_without_detection_everything_is_handed_on() -> None:
    audio = counting(70_000)
    packing = ChunkSizes(maximum=1.0, target=1.0)
    cutter = Chunker(Script([0.0] * 70_000), NO_DETECTION, packing)
    found = list(cut(np.array_split(audio, 9), cutter))
    np.testing.assert_array_equal(np.concatenate([chunk.audio for chunk in found]), audio)
    assert cutter.seconds == 70_000 / SAMPLE_RATE


@pytest.mark.parametrize("blocks", [(), (0, 0)])
def test_a_recording_without_samples_has_no_chunk(blocks: tuple[int, ...]) -> None:
    assert chunks([], NO_DETECTION, ChunkSizes(1.0, 1.0), samples=0, blocks=blocks) == []


def test_a_chunk_cannot_be_written_to() -> None:
    (chunk,) = chunks([1.0] * 50, SpeechRules(), ChunkSizes(9.0, 9.0))
    with pytest.raises(ValueError, match="read-only"):
        chunk.audio[0] = 1


def dips(seconds: float, *places: tuple[float, float]) -> list[float]:
    """Return probabilities of speech without pauses, lower for 0.3 s at each (second, probability)."""
    said = np.full(round(seconds * SAMPLE_RATE / FRAME), 0.9)
    for second, probability in places:
        middle = round(second * SAMPLE_RATE / FRAME)
        said[middle - 15 : middle + 15] = probability
    return said.tolist()


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([(7.0, 0.6), (8.0, 0.4), (9.0, 0.6)], 8.0, id="the deepest dip"),
        pytest.param([(7.0, 0.5), (9.0, 0.5)], 9.0, id="the later of two that are alike"),
        pytest.param([(4.0, 0.36), (8.0, 0.6)], 8.0, id="not one that leaves half of the length unused"),
        pytest.param([(10.5, 0.36), (7.0, 0.6)], 7.0, id="not one beyond the maximum"),
    ],
)
def test_a_region_that_is_too_long_is_cut_where_speech_is_least_probable(
    places: list[tuple[float, float]], expected: float
) -> None:
    first, *_ = chunks(dips(12, *places), SpeechRules(), ChunkSizes(10.0, 10.0))
    assert first.end == pytest.approx(expected, abs=2 * FRAME / SAMPLE_RATE)


def test_a_pause_that_may_end_a_region_does_not_make_it_too_long() -> None:
    speech_and_pause = [1.0] * 90 + [0.0] * 100
    rules, packing = SpeechRules(silence=0.5, padding=0.0), ChunkSizes(1.0, 1.0)
    found = chunks(speech_and_pause, rules, packing, blocks=[FRAME] * 150)
    assert [parts(chunk) for chunk in found] == [[(0, 90 * FRAME)]]


def blocks_held(audio_block: Audio, times: int, cutter: Chunker) -> tuple[int, int]:
    """Feed copies of a block; return the most that were alive, and the number of chunks."""
    alive: list[weakref.ref[Audio]] = []
    most = came = 0
    for _ in range(times):
        block = audio_block.copy()
        alive.append(weakref.ref(block))
        came += len(list(cutter.feed(block)))
        del block
        alive = [reference for reference in alive if reference() is not None]
        most = max(most, len(alive))
    return most, came


def test_endless_speech_is_handed_on_and_forgotten() -> None:
    cutter = Chunker(FakeDetector(), SpeechRules(), ChunkSizes(maximum=10.0, target=10.0))
    most, came = blocks_held(np.float32(hum(1.0)), 300, cutter)
    assert most <= 22  # those of the open chunk, which are not copied, and of what may not fit into it
    assert came >= 28


def test_endless_silence_is_forgotten() -> None:
    cutter = Chunker(FakeDetector(), SpeechRules(padding=0.4), ChunkSizes(maximum=10.0, target=10.0))
    most, came = blocks_held(np.float32(silence(1.0)), 300, cutter)
    assert most <= 6  # a quiet voice is searched in four seconds at a time
    assert came == 0


def test_silence_after_speech_is_forgotten_though_more_speech_may_join_it() -> None:
    cutter = Chunker(FakeDetector(), LONG_FORM_RULES, ChunkSizes(maximum=600.0, target=600.0))
    list(cutter.feed(hum(5.0)))
    most, _ = blocks_held(np.float32(silence(1.0)), 100, cutter)
    assert most <= 8
    assert [chunk.end for chunk in cutter.finish()] == [pytest.approx(5.4, abs=0.05)]


def test_a_silence_as_long_as_the_gap_completes_a_chunk_before_more_speech() -> None:
    cutter = Chunker(FakeDetector(), SpeechRules(silence=0.5, padding=0.2), ChunkSizes(30.0, 10.0, gap=3.0))
    assert list(cutter.feed(hum(2.0))) == []
    assert list(cutter.feed(silence(3.0))) == []
    assert len(list(cutter.feed(silence(2.5)))) == 1


@pytest.fixture
def talk(recording: Callable[[str], Path]) -> Audio:
    """Eight speakers, one after the other, with three seconds of silence after each."""
    turns = [read_audio(recording(f"golos_0{number}.wav")) for number in range(8)]
    return np.concatenate([piece for turn in turns for piece in (turn, silence(3))])


@pytest.mark.parametrize("maximum", [8.0, 15.0, 600.0])
def test_long_form_chunks_are_those_of_faster_whisper(maximum: float, talk: Audio) -> None:
    vad = pytest.importorskip("faster_whisper.vad")
    options = vad.VadOptions(
        min_silence_duration_ms=round(LONG_FORM_RULES.silence * 1000),
        speech_pad_ms=round(LONG_FORM_RULES.padding * 1000),
    )
    spans = vad.get_speech_timestamps(talk, options)
    theirs, _ = vad.collect_chunks(talk, spans, max_duration=maximum)
    probabilities = vad.get_vad_model()(np.pad(talk, (0, 512 - len(talk) % 512)))
    cutter = Chunker(Script(probabilities, 512), LONG_FORM_RULES, ChunkSizes(maximum, maximum))
    ours = [chunk.audio for chunk in cut(np.array_split(talk, 23), cutter)]
    assert len(spans) > 4
    assert [len(audio) for audio in ours] == [len(chunk) for chunk in theirs]
    np.testing.assert_array_equal(np.concatenate(ours), np.concatenate(theirs))


def test_times_are_restored_as_faster_whisper_does(talk: Audio) -> None:
    vad = pytest.importorskip("faster_whisper.vad")
    spans = vad.get_speech_timestamps(talk, vad.VadOptions())
    theirs = vad.SpeechTimestampsMap(spans, SAMPLE_RATE)
    probabilities = vad.get_vad_model()(np.pad(talk, (0, 512 - len(talk) % 512)))
    cutter = Chunker(Script(probabilities, 512), LONG_FORM_RULES, ChunkSizes(600.0, 600.0))
    (chunk,) = cut([talk], cutter)
    for second in np.arange(0, chunk.seconds, 0.02).round(2):
        for is_end in (False, True):
            expected = theirs.get_original_time(second, is_end=is_end)
            assert chunk.recording_time(second, is_end=is_end) == pytest.approx(expected, abs=0.0051)


@thorough
@any_recording
def test_with_overlap_no_speech_is_lost_and_seams_lie_amid_what_both_hold(
    probabilities: list[float], rules: SpeechRules, packing: ChunkSizes, blocks: list[int], missing: int
) -> None:
    samples = max(0, len(probabilities) * FRAME - missing)
    packing = replace(packing, overlap=0.05)
    found = chunks(probabilities, rules, packing, samples=samples, blocks=blocks)
    speech = {number for start, end in regions(probabilities, rules, samples) for number in range(start, end)}
    assert set(heard(found)) == speech
    for chunk, following in pairwise([*found, None]):
        assert chunk is not None
        assert chunk.seconds <= packing.maximum + 1e-9
        if chunk.seam is None:
            assert following is None or following.start >= chunk.end
        else:
            assert following is not None
            assert chunk.end - chunk.seam == pytest.approx(chunk.seam - following.start)
            assert 0 < chunk.end - chunk.seam <= 0.025 + 1e-9


def test_a_region_that_pauses_is_cut_there_without_overlap() -> None:
    packing = ChunkSizes(1.0, 1.0, overlap=0.1)
    rules = SpeechRules(silence=0.5, padding=0.0)
    pausing = chunks([1.0] * 75 + [0.0] * 35 + [1.0] * 60, rules, packing)
    assert [chunk.seam for chunk in pausing] == [None, None]
    without = chunks([1.0] * 170, rules, packing)
    assert [chunk.seam is None for chunk in without] == [False, True]
