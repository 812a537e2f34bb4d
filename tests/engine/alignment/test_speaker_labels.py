"""Speakers of words: a diarizer's turns aligned with a model's segments."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.results import Segment, Token, Word
from govor.engine.alignment.speaker_labels import Speakers, _letters


def spoken(text: str, *edges: float) -> Segment:
    """A segment whose words follow one another at these times."""
    words = [Word(word, edges[at], edges[at + 1]) for at, word in enumerate(text.split())]
    return Segment(text, edges[0], edges[-1], tuple(words))


def said(speakers: Speakers, segment: Segment) -> list[tuple[str | None, str]]:
    return [(part.speaker, part.text) for part in speakers.split(segment)]


TWO = (SpeakerTurn(0.0, 2.0, 1), SpeakerTurn(2.0, 4.0, 0))


def test_a_segment_is_split_where_the_speaker_changes() -> None:
    segment = spoken("How are you? Fine, thanks.", 0.0, 0.5, 1.0, 1.9, 3.0, 4.0)
    assert said(Speakers(TWO), segment) == [("A", "How are you?"), ("B", "Fine, thanks.")]


def test_parts_have_the_times_of_their_words_and_keep_the_outer_ones() -> None:
    segment = Segment("One two", 0.0, 4.0, (Word("One", 0.5, 1.0), Word("two", 2.5, 3.0)))
    first, second = Speakers(TWO).split(segment)
    assert (first.start, first.end, second.start, second.end) == (0.0, 1.0, 2.5, 4.0)


@pytest.mark.parametrize(("end", "speaker"), [(2.4, "A"), (2.6, "B")])
def test_a_word_on_a_border_belongs_to_who_has_more_of_it(end: float, speaker: str) -> None:
    assert said(Speakers(TWO), spoken("word", 1.5, end)) == [(speaker, "word")]


def test_while_two_speak_at_once_a_word_stays_with_who_spoke_before() -> None:
    both = (SpeakerTurn(0.0, 2.0, 0), SpeakerTurn(1.0, 4.0, 1))
    segment = spoken("mine mine yours", 0.2, 1.0, 1.8, 3.0)
    assert said(Speakers(both), segment) == [("A", "mine mine"), ("B", "yours")]


def test_a_word_in_a_pause_belongs_to_the_nearest_speaker() -> None:
    apart = (SpeakerTurn(0.0, 1.0, 0), SpeakerTurn(5.0, 6.0, 1))
    assert said(Speakers(apart), spoken("late", 4.0, 4.5)) == [("B", "late")]


def test_a_word_of_no_length_is_whose_turn_it_stands_in() -> None:
    assert said(Speakers(TWO), spoken("word", 3.0, 3.0)) == [("B", "word")]


def test_a_segment_without_words_stays_whole_with_who_speaks_most_in_it() -> None:
    assert said(Speakers(TWO), Segment("All of it.", 1.5, 4.0)) == [("B", "All of it.")]


def test_words_that_are_not_in_the_text_split_nothing() -> None:
    segment = Segment("Twenty", 0.0, 4.0, (Word("2", 0.0, 1.0), Word("0", 3.0, 4.0)))
    assert [text for _, text in said(Speakers(TWO), segment)] == ["Twenty"]


def test_known_speakers_bear_their_names_and_leave_letters_to_the_others() -> None:
    turns = (SpeakerTurn(0.0, 1.0, 2), SpeakerTurn(1.0, 2.0, 0), SpeakerTurn(2.0, 3.0, 5))
    named = [turn.speaker for turn in Speakers(turns, ["Ann", "B"]).turns()]
    assert named == ["A", "Ann", "C"]


def test_where_nobody_was_found_everything_is_by_the_first_speaker() -> None:
    assert said(Speakers(()), spoken("Hm. Hm.", 0.0, 1.0, 2.0)) == [("A", "Hm. Hm.")]


def test_tokens_stay_with_the_first_part() -> None:
    segment = spoken("One two", 0.0, 1.0, 4.0)
    token = Token(7, b"One", -0.1)
    first, second = Speakers(TWO).split(replace(segment, tokens=(token,)))
    assert (first.tokens, second.tokens) == ((token,), ())


def test_after_z_letters_are_numbered() -> None:
    assert list(islice(_letters(), 25, 28)) == ["Z", "A2", "B2"]
