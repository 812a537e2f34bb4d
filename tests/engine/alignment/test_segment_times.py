"""Segments at their times in the recording: none spans silence that was left out, no letter is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.audio.chunking import Chunk
from govor.contract.audio import SAMPLE_RATE
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Token, Transcript, Word
from govor.engine.alignment.segment_times import WIDE, place
from govor.formats.openai import token_ids
from govor.formats.subtitles.cues import CueMaker
from govor.formats.text import join_texts
from govor.formats.timeline import place_segments

PLAIN = Options()


def spread(*lengths: float, silent: Sequence[float]) -> Chunk:
    """A chunk of parts of these seconds; of the others, each was left out before one of them."""
    counts, gaps = ([round(seconds * SAMPLE_RATE) for seconds in both] for both in (lengths, silent))
    offsets = [sum(counts[:place]) for place in range(len(counts))]
    starts = [offset + sum(gaps[: place + 1]) for place, offset in enumerate(offsets)]
    return Chunk(np.zeros(sum(counts), np.float32), tuple(offsets), tuple(starts))


def left_out(chunk: Chunk) -> list[tuple[float, float]]:
    """Start and end in the recording of what the chunk leaves out."""
    ends = [*chunk.offsets[1:], len(chunk.audio)]
    edges = [
        (start, start + end - offset)
        for offset, end, start in zip(chunk.offsets, ends, chunk.starts, strict=True)
    ]
    return [(before[1] / SAMPLE_RATE, after[0] / SAMPLE_RATE) for before, after in pairwise(edges)]


def times(segments: Sequence[Segment | Word]) -> list[tuple[str, float, float]]:
    found = []
    for segment in segments:
        assert segment.start is not None
        assert segment.end is not None
        found.append((segment.text, round(segment.start, 3), round(segment.end, 3)))
    return found


def words_of(segments: Sequence[Segment]) -> list[Word]:
    return [word for segment in segments for word in segment.words or ()]


SPOKEN = [
    Word(" Good", 0.5, 0.8),
    Word(" morning.", 0.8, 1.3),
    Word(" Are", 2.5, 2.7),
    Word(" you", 2.7, 3.0),
]
SEGMENT = Segment(" Good morning. Are you", 0.5, 3.0)
MINUTE = spread(2.0, 2.0, silent=[0.0, 60.0])


def test_a_segment_across_a_long_silence_becomes_two_by_its_words() -> None:
    segment = Segment(SEGMENT.text, 0.5, 3.0, words=tuple(SPOKEN))
    assert times(place(segment, MINUTE, PLAIN)) == [("Good morning.", 0.5, 1.3), ("Are you", 62.5, 63.0)]


def test_a_segment_without_words_becomes_two_at_the_sentence_that_is_nearest_by_its_letters() -> None:
    assert times(place(SEGMENT, MINUTE, PLAIN)) == [("Good morning.", 0.5, 2.0), ("Are you", 62.0, 63.0)]


def test_a_text_without_sentences_is_cut_between_two_words() -> None:
    segment = Segment("a few words that have no mark and no end", 0.0, 4.0)
    first, second = place(segment, MINUTE, PLAIN)
    assert f"{first.text} {second.text}" == segment.text
    assert 15 < len(first.text) < 25


def test_a_segment_that_reaches_only_into_the_padding_across_a_silence_is_not_cut() -> None:
    segment = Segment("Good morning.", 0.5, 2.15)
    assert times(place(segment, MINUTE, PLAIN)) == [("Good morning.", 0.5, 2.0)]


def test_a_segment_begins_behind_the_silence_with_its_first_word() -> None:
    segment = Segment("Are you", 1.5, 3.0, words=(Word("Are", 2.4, 2.7), Word("you", 2.7, 3.0)))
    assert times(place(segment, MINUTE, PLAIN)) == [("Are you", 62.4, 63.0)]


def test_a_word_is_clipped_to_the_part_that_holds_most_of_it() -> None:
    words = (Word("Thursday", 1.2, 2.2), Word("noon", 1.9, 2.5))
    placed = words_of(place(Segment("Thursday noon", 1.2, 2.5, words=words), MINUTE, PLAIN))
    assert times(placed) == [("Thursday", 1.2, 2.0), ("noon", 62.0, 62.5)]


def test_a_short_pause_does_not_cut_a_segment_yet_no_word_spans_it() -> None:
    chunk = spread(2.0, 2.0, silent=[0.0, 0.5])
    words = (Word("one", 0.5, 2.2), Word("two", 2.2, 3.0))
    (placed,) = place(Segment("one two", 0.5, 3.0, words=words), chunk, PLAIN)
    assert (placed.start, placed.end) == (0.5, 3.5)
    assert times(words_of([placed])) == [("one", 0.5, 2.0), ("two", 2.7, 3.5)]


def test_words_without_length_get_one_within_their_segment() -> None:
    words = (Word("one", 0.5, 0.5), Word("two", 0.5, 1.0), Word("three", 1.0, 1.0))
    (placed,) = place(Segment("one two three", 0.5, 1.0, words=words), spread(2.0, silent=[3.0]), PLAIN)
    assert (placed.start, placed.end) == (3.5, 4.0)
    assert times(words_of([placed])) == [("one", 3.5, 3.52), ("two", 3.52, 3.98), ("three", 3.98, 4.0)]


def test_words_that_no_space_parts_stay_together() -> None:
    words = (Word(" twenty", 1.0, 1.9), Word("-one", 2.1, 2.4), Word(" days", 2.4, 3.0))
    segment = Segment(" twenty-one days", 1.0, 3.0, words=words)
    assert [piece.text for piece in place(segment, MINUTE, PLAIN)] == ["twenty-one", "days"]


@pytest.mark.parametrize(
    ("language", "text"),
    [("ja", "おはようございます。会議は木曜日です。"), ("zh", "早上好。会议已经改到星期四。")],
)
def test_a_text_without_spaces_is_cut_without_adding_one(language: str, text: str) -> None:
    pieces = place(Segment(text, 0.0, 4.0, language=language), MINUTE, PLAIN)
    assert len(pieces) == 2
    assert join_texts(pieces, None) == text


def test_a_translation_of_a_language_without_spaces_keeps_its_spaces() -> None:
    segment = Segment("Good morning. Are you there?", 0.0, 4.0, language="ja")
    options = Options(task="translate")
    pieces = place(segment, MINUTE, options)
    assert len(pieces) == 2
    assert join_texts(pieces, None, task="translate") == segment.text


def test_tokens_go_with_their_letters() -> None:
    texts = ("", "Good", " morn", "ing", ".", "", " Are", " you", "")
    tokens = tuple(Token(number, text.encode(), -0.5) for number, text in enumerate(texts))
    segment = Segment("Good morning. Are you", 0.5, 3.0, tokens=tokens)
    pieces = place(segment, MINUTE, PLAIN)
    assert [token_ids(piece) for piece in pieces] == [[0, 1, 2, 3, 4, 5], [6, 7, 8]]


def test_words_without_times_are_left_out_and_so_are_times_of_tokens() -> None:
    words = (Word("Good", None, None), Word("day.", 1.0, 2.0))
    segment = Segment("Good day.", 0.5, 3.0, words, (Token(1, b"Good day.", None, 0.5, 3.0),))
    (placed,) = place(segment, spread(4.0, silent=[2.0]), PLAIN)
    assert placed.words == (Word("day.", 3.0, 4.0),)
    assert placed.tokens == (Token(1, b"Good day."),)
    (placed,) = place(replace(segment, words=words[:1]), spread(4.0, silent=[2.0]), PLAIN)
    assert placed.words is None


def test_a_start_on_a_joint_belongs_to_the_later_part_and_an_end_to_the_earlier_one() -> None:
    chunk = spread(1.0, 1.0, silent=[2.0, 2.0])
    placed = [*place(Segment("x", 1.0, 2.0), chunk, PLAIN), *place(Segment("x", 0.0, 1.0), chunk, PLAIN)]
    assert times(placed) == [("x", 5.0, 6.0), ("x", 2.0, 3.0)]


def test_times_beyond_the_end_are_clipped() -> None:
    chunk = spread(1.0, silent=[1.0])
    (segment,) = place(Segment("x", 0.5, 29.98, words=(Word("x", 0.5, 2.0),)), chunk, PLAIN)
    assert (segment.start, segment.end) == (1.5, 2.0)
    assert segment.words == (Word("x", 1.5, 2.0),)


def test_a_segment_without_times_gets_those_of_its_stretch() -> None:
    (segment,) = place(Segment("x y"), spread(1.0, 1.0, silent=[1.0, 0.5]), PLAIN)
    assert (segment.start, segment.end, segment.words) == (1.0, 3.5, None)


LENGTHS = st.lists(st.integers(1, 400), min_size=1, max_size=6)
TEXTS = st.lists(
    st.sampled_from(["да", "Нет.", "well,", "so", "«и", "twenty", "会", "議。", "10", "—", "end!»"]),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=120)
@given(
    LENGTHS,
    st.lists(st.integers(1, 900), min_size=6, max_size=6),
    TEXTS,
    st.lists(st.integers(0, 2600), min_size=26, max_size=26),
    st.sampled_from(["timed", "untimed", "overlapping", "not of the text", "without"]),
    st.sampled_from([None, "en", "ja"]),
)
def test_nothing_that_is_placed_covers_silence_that_was_left_out(
    lengths: list[int], gaps: list[int], text: list[str], edges: list[int], kind: str, language: str | None
) -> None:
    chunk = spread(*(number / 100 for number in lengths), silent=[number / 100 for number in gaps])
    clock = edges if kind == "overlapping" else sorted(edges)
    pairs = sorted((min(pair), max(pair)) for pair in zip(clock[::2], clock[1::2], strict=True))
    said = ["other"] * len(text) if kind == "not of the text" else text
    words = tuple(
        Word(f" {word}", start / 100, end / 100) for word, (start, end) in zip(said, pairs, strict=False)
    )
    segment = Segment(
        " ".join(text),
        None if kind == "untimed" else words[0].start,
        None if kind == "untimed" else max(word.end for word in words),
        words=None if kind in ("untimed", "without") else words,
        language=language,
    )
    placed = place(segment, chunk, PLAIN)
    assert join_texts(placed, None) == join_texts([segment], None)
    assert [word.text for word in words_of(placed)] == [word.text for word in segment.words or ()]
    told = times(placed)
    assert [time for _, *pair in told for time in pair] == sorted(time for _, *pair in told for time in pair)
    spans = [*told, *times(words_of(placed))]
    for start, end in left_out(chunk):
        short = end - start < WIDE / SAMPLE_RATE
        for _, begins, ends in spans[len(told) :] if short else spans:
            assert min(ends, end) - max(begins, start) <= 0.001


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(2, 120), min_size=1, max_size=5), st.lists(TEXTS, min_size=1, max_size=6))
def test_no_cue_covers_a_silence_that_was_left_out(gaps: list[int], texts: list[list[str]]) -> None:
    lengths = [2.0] * (len(gaps) + 1)
    chunk = spread(*lengths, silent=[0.0, *map(float, gaps)])
    edges = np.linspace(0, sum(lengths), len(texts) + 1).tolist()
    segments = [
        piece
        for text, (start, end) in zip(texts, pairwise(edges), strict=True)
        for piece in place(Segment(" ".join(text), start, end), chunk, PLAIN)
    ]
    transcript = Transcript("", tuple(segments), 2000.0, None, "transcribe", "")
    maker, placed = CueMaker(), place_segments(transcript)
    cues = [*(cue for found in placed for cue in maker.add(found)), *maker.end()]
    for start, end in left_out(chunk):
        assert not any(cue.start < start - 0.001 and end + 0.001 < cue.end for cue in cues)
