"""Regions found as probabilities arrive, compared with those found from the whole recording."""

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from govor.audio.regions import Region, SpeechFinder, SpeechRules

FRAME = 512
RECORDINGS = Path(__file__).parents[3] / "shared" / "audio"
PROBABILITIES = (0.0, 0.005, 0.05, 0.34, 0.35, 0.36, 0.5, 0.9, 1.0)


def found(probabilities, total, rules, blocks=()):
    """Return the regions of a recording fed in blocks of these sizes; the rest comes last."""
    finder = SpeechFinder(rules, FRAME)
    regions = []
    for block in np.split(np.float32(probabilities), np.cumsum(blocks, dtype=int)):
        regions += finder.add(block)
    return regions + finder.finish(total)


def expected(probabilities, total, rules):
    """The definition, for a whole recording and durations in fractions of samples."""
    padding = 16_000 * round(rules.padding * 1000) / 1000
    spans = spans_of_speech(np.float32(probabilities), total, rules)
    if not spans:
        return []
    starts, ends = [list(edge) for edge in zip(*spans, strict=True)]
    for left, right in pairwise(range(len(spans))):
        gap = starts[right] - ends[left]
        ends[left] += gap // 2 if gap < 2 * padding else padding
        starts[right] -= gap // 2 if gap < 2 * padding else padding
    starts[0] = max(0, starts[0] - padding)
    ends[-1] = min(total, ends[-1] + padding)
    return [Region(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def spans_of_speech(probabilities, total, rules):
    """Return start and end of all speech that is long enough, without padding."""
    silence = 16_000 * round(rules.silence * 1000) / 1000
    minimum = 16_000 * round(rules.minimum * 1000) / 1000
    release = np.float32(max(rules.threshold - 0.15, 0.01) if rules.release is None else rules.release)
    longest = 16_000 * rules.longest - FRAME - 2 * 16_000 * round(rules.padding * 1000) / 1000
    spans, start, fell = [], None, None
    pauses = []  # in the open speech, long enough for a cut: start and end of each
    for index, probability in enumerate(probabilities):
        here = index * FRAME
        if probability >= np.float32(rules.threshold):
            if fell is not None and pauses and pauses[-1][1] is None:
                pauses[-1] = (pauses[-1][0], here)
            fell = None
            if start is None:
                start = here
                continue
        if start is not None and here - start > longest:
            cut, on = pauses[-1] if pauses else (here, None)
            spans.append((start, cut))
            start, fell = on, None
            if not pauses:
                continue
            pauses = []
        if start is None or probability >= release:
            continue
        fell = here if fell is None else fell
        if here - fell > 1568 and (not pauses or pauses[-1][0] != fell):
            pauses.append((fell, None))
        if here - fell >= silence:
            spans.append((start, fell))
            start, fell, pauses = None, None, []
    if start is not None:
        spans.append((start, total))
    return [(start, end) for start, end in spans if end - start > minimum]


def milliseconds(largest):
    return st.integers(0, largest).map(lambda value: value / 1000)


RULES = st.builds(
    SpeechRules,
    threshold=st.sampled_from([0.0, 0.005, 0.1, 0.35, 0.5, 0.8]),
    silence=milliseconds(400),
    padding=milliseconds(300),
    minimum=st.one_of(st.just(0.0), milliseconds(300)),
)
RUNS = st.lists(st.tuples(st.sampled_from(PROBABILITIES), st.integers(1, 12)), max_size=20)
SEQUENCES = st.one_of(
    st.lists(st.sampled_from(PROBABILITIES), max_size=80),
    RUNS.map(lambda runs: [probability for probability, length in runs for _ in range(length)]),
)
BLOCKS = st.lists(st.integers(0, 9), max_size=30)
MISSING = st.integers(0, FRAME)  # samples by which the last frame was padded


@settings(deadline=None, max_examples=600)
@given(SEQUENCES, RULES, BLOCKS, MISSING)
@example([0.9, 0.0], SpeechRules(silence=0.0, padding=0.01), [], FRAME)
@example([0.9, 0.0, 0.9, 0.0, 0.0], SpeechRules(silence=0.0, padding=0.1), [1, 1, 1], 0)
def test_regions_are_those_of_the_definition_whatever_the_blocks(probabilities, rules, blocks, missing):
    total = max(0, len(probabilities) * FRAME - missing)
    assert found(probabilities, total, rules, blocks) == expected(probabilities, total, rules)


CUTTING = st.builds(
    SpeechRules,
    silence=milliseconds(400),
    padding=milliseconds(100),
    release=st.sampled_from([None, 0.2, 0.36, 0.6]),
    longest=st.sampled_from([0.3, 0.5, 1.0]),
)


@settings(deadline=None, max_examples=400)
@given(SEQUENCES, CUTTING, BLOCKS)
@example([0.9] * 40, SpeechRules(longest=0.5, padding=0.0), [])
@example([*[0.9] * 8, *[0.0] * 6, *[0.9] * 20], SpeechRules(longest=0.5, padding=0.0), [])
def test_regions_that_are_too_long_are_cut_in_a_pause_if_they_have_one(probabilities, rules, blocks):
    total = len(probabilities) * FRAME
    assert found(probabilities, total, rules, blocks) == expected(probabilities, total, rules)


@settings(deadline=None, max_examples=300)
@given(SEQUENCES, RULES, MISSING)
def test_keep_from_never_passes_the_start_of_a_region_to_come(probabilities, rules, missing):
    total = max(0, len(probabilities) * FRAME - missing)
    finder = SpeechFinder(rules, FRAME)
    to_come = expected(probabilities, total, rules)
    kept = [finder.keep_from]
    for probability in np.float32(probabilities):
        del to_come[: len(finder.add(np.array([probability])))]
        kept.append(finder.keep_from)
        assert not to_come or kept[-1] <= to_come[0].start
    assert kept == sorted(kept)


@settings(deadline=None, max_examples=300)
@given(SEQUENCES, RULES, MISSING)
def test_an_open_region_is_returned_with_the_start_it_announced(probabilities, rules, missing):
    total = max(0, len(probabilities) * FRAME - missing)
    finder = SpeechFinder(rules, FRAME)
    announced, returned = set(), []
    for probability in np.float32(probabilities):
        returned += finder.add(np.array([probability]))
        announced |= {finder.inside} - {None}
    returned += finder.finish(total)
    assert announced <= {region.start for region in returned}


def test_silence_has_no_regions():
    assert found([0.1] * 50, 50 * FRAME, SpeechRules()) == []


def test_a_recording_without_samples_has_no_regions():
    assert found([], 0, SpeechRules()) == []


def test_a_region_is_final_once_its_pause_and_its_padding_have_been_fed():
    finder = SpeechFinder(SpeechRules(silence=2 * FRAME / 16_000, padding=2 * FRAME / 16_000), FRAME)
    assert finder.add(np.float32([0, 0, 0, 1, 1, 0, 0, 0])) == []  # speech could return near enough to share
    assert finder.add(np.float32([0])) == [Region(1 * FRAME, 7 * FRAME)]


def test_an_open_region_has_its_start():
    finder = SpeechFinder(SpeechRules(padding=2 * FRAME / 16_000), FRAME)
    finder.add(np.float32([0, 0, 0, 1]))
    assert finder.inside is None  # the recording could end here, before the frame is known to be real
    finder.add(np.float32([1]))
    assert finder.inside == 1 * FRAME


def test_audio_before_the_padding_of_future_speech_is_not_kept():
    finder = SpeechFinder(SpeechRules(padding=FRAME / 16_000), FRAME)
    finder.add(np.zeros(1000, np.float32))
    assert finder.keep_from == 999 * FRAME


def recording(name):
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not here")
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


@pytest.mark.parametrize("name", ["ru_long.wav", "golos_03.wav", "golos_05.wav"])
@pytest.mark.parametrize(
    "rules",
    [
        SpeechRules(),
        SpeechRules(silence=0.1, padding=0.03, minimum=0.25),
        SpeechRules(threshold=0.8, silence=0.05, padding=0.4),
        SpeechRules(threshold=0.1, silence=0.3, padding=0.2, minimum=1.0),
    ],
)
def test_regions_of_recordings_are_those_of_faster_whisper(name, rules):
    vad = pytest.importorskip("faster_whisper.vad")
    audio = recording(name)
    options = vad.VadOptions(
        threshold=rules.threshold,
        min_silence_duration_ms=round(rules.silence * 1000),
        speech_pad_ms=round(rules.padding * 1000),
        min_speech_duration_ms=round(rules.minimum * 1000),
    )
    theirs = [Region(**span) for span in vad.get_speech_timestamps(audio, options)]
    filled = np.pad(audio, (0, FRAME - len(audio) % FRAME))
    probabilities = vad.get_vad_model()(filled)
    assert found(probabilities, len(audio), rules, [7] * 20) == theirs
