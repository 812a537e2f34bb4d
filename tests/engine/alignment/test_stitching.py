"""Words at a seam: whatever each side heard of the other's, each word is written once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.contract.recognizers import Options
from govor.contract.results import Segment, Token, Word
from govor.engine.alignment.stitching import OverlapStitcher, meet
from govor.engine.alignment.text_places import pieces

SEAM, HALF = 10.0, 0.75
EVERYTHING = Options(words=True, logprobs=True)

SPOKEN = st.lists(
    st.tuples(
        st.sampled_from(["да", "нет", "мы", "дом", "большой", "журнал", "пожалуйста", "где"]),
        st.integers(15, 60),
    ),
    min_size=20,
    max_size=60,
)
"""Words and their lengths in hundredths of a second; 0.05 s between two."""
JITTER = st.lists(st.integers(-4, 4), min_size=120, max_size=120)


def segment(words: list[Word], *, with_words: bool = True) -> Segment:
    """Return the segment of a model whose tokens are words."""
    tokens = tuple(
        Token(place, text.encode(), -0.1 * place)
        for place, text in enumerate((" " if place else "") + word.text for place, word in enumerate(words))
    )
    return Segment(
        " ".join(word.text for word in words),
        start=words[0].start if words else None,
        end=words[-1].end if words else None,
        words=tuple(words) if with_words else None,
        tokens=tokens,
    )


def joined(earlier: Segment, later: Segment, seam: float = SEAM) -> list[Segment]:
    """Return both segments as they meet."""
    (first,), (second,) = meet([earlier], [later], seam)
    return [first, second]


def say(words: list[tuple[str, int]]) -> list[Word]:
    """Lay words out in time, the tenth second about in the midst of them."""
    found, clock = [], 10.0 - sum(length / 100 + 0.05 for _, length in words) / 2
    for text, length in words:
        found.append(Word(text, clock, clock + length / 100))
        clock += length / 100 + 0.05
    return found


def listen(spoken: list[Word], jitter: list[int]) -> tuple[list[Word], list[Word]]:
    """Return what both sides hear: a word whose end or beginning they miss as another one."""
    both = []
    for side, edge in enumerate((SEAM + HALF, SEAM - HALF)):
        whole = [word for word in spoken if (word.end <= edge if side == 0 else word.start >= edge)]
        halves = [Word("обрывок", word.start, word.end) for word in spoken if word.start < edge < word.end]
        heard = [
            replace(word, start=word.start + shift / 100, end=word.end + shift / 100)
            for word, shift in zip(sorted(whole + halves, key=lambda word: word.start), jitter, strict=False)
        ]
        both.append(heard)
    return both[0], both[1]


@settings(deadline=None, max_examples=300)
@given(SPOKEN, JITTER)
def test_no_word_is_lost_or_doubled(spoken: list[tuple[str, int]], jitter: list[int]) -> None:
    words = say(spoken)
    ours, theirs = listen(words, jitter)
    (earlier,), (later,) = meet([segment(ours)], [segment(theirs)], SEAM)
    assert f"{earlier.text} {later.text}".split() == [text for text, _ in spoken]


@settings(deadline=None, max_examples=200)
@given(SPOKEN, JITTER)
def test_sides_that_hear_other_words_write_each_once(
    spoken: list[tuple[str, int]], jitter: list[int]
) -> None:
    words = say(spoken)
    ours, theirs = listen(words, jitter)
    strange = [replace(word, text=f"иначе{place}") for place, word in enumerate(theirs)]
    (earlier,), (later,) = meet([segment(ours)], [segment(strange)], SEAM)
    assert len(f"{earlier.text} {later.text}".split()) == len(words)


@settings(deadline=None, max_examples=200)
@given(SPOKEN, JITTER)
def test_what_is_left_fits_together(spoken: list[tuple[str, int]], jitter: list[int]) -> None:
    ours, theirs = listen(say(spoken), jitter)
    parts = joined(segment(ours), segment(theirs))
    for part in parts:
        assert [word.text for word in part.words or ()] == part.text.split()
        assert b"".join(token.data for token in part.tokens or ()).decode().strip() == part.text
        assert part.start is None or part.end is None or part.start <= part.end
    if parts[0].end is not None and parts[1].start is not None:
        assert parts[0].end <= parts[1].start


def test_a_model_without_word_times_is_joined_by_the_words_in_common() -> None:
    ours = say([(text, 30) for text in ["раз", "два", "три", "четыре", "пять", "шесть", "семь"]])
    theirs = [replace(word, text=word.text.upper() + ",") for word in ours[3:]]
    theirs += [Word("восемь", ours[-1].end, ours[-1].end + 0.3)]
    parts = joined(segment(ours, with_words=False), segment(theirs, with_words=False))
    text = " ".join(part.text for part in parts).lower().replace(",", "")
    assert text == "раз два три четыре пять шесть семь восемь"


def test_scripts_without_spaces_are_joined_by_letters() -> None:
    earlier = Segment("今天天气很好我们去", start=0.0, end=9.0)
    later = Segment("我们去公园散步", start=6.0, end=13.0)
    parts = joined(earlier, later, 7.5)
    assert "".join(part.text for part in parts) == "今天天气很好我们去公园散步"


def test_words_the_model_spells_otherwise_than_in_its_text_are_timed_by_letters() -> None:
    odd = Segment("две тысячи", start=1.0, end=2.0, words=(Word("2000", 1.0, 2.0),))
    assert [(piece.start, piece.end) for piece in pieces(odd)] == [(1.0, pytest.approx(1.3)), (1.4, 2.0)]


@pytest.mark.parametrize("silent", ["earlier", "later", "both"])
def test_silence_on_a_side_takes_nothing_from_the_other(silent: str) -> None:
    spoken = segment(say([("слово", 40)]))
    nothing = Segment("", words=(), tokens=())
    earlier = nothing if silent in ("earlier", "both") else spoken
    later = nothing if silent in ("later", "both") else spoken
    texts = [part.text for part in joined(earlier, later)]
    assert texts.count("слово") <= 1
    assert "".join(texts) == ("" if silent == "both" else "слово")


def test_the_client_sees_only_what_it_asked_for() -> None:
    ours, theirs = listen(say([("дом", 40)] * 30), [0] * 60)
    seams = OverlapStitcher(Options())
    assert seams.add([segment(ours)], SEAM) == []
    found = [each.segment for each in seams.add([segment(theirs)], None)]
    assert [part.words for part in found] == [None, None]
    assert {token.logprob for part in found for token in part.tokens or ()} == {None}
    seams = OverlapStitcher(EVERYTHING)
    assert seams.add([segment(ours)], SEAM) == []
    found = [each.segment for each in seams.add([segment(theirs)], None)]
    assert all(part.words and part.tokens for part in found)


def test_segments_that_do_not_overlap_pass_as_they_are() -> None:
    whole = segment(say([("дом", 40)] * 3))
    (found,) = OverlapStitcher(EVERYTHING).add([whole], None)
    assert found.segment == whole


@settings(deadline=None, max_examples=200)
@given(SPOKEN, JITTER, st.integers(1, 5))
def test_no_word_is_lost_or_doubled_by_models_that_cut_their_text(
    spoken: list[tuple[str, int]], jitter: list[int], size: int
) -> None:
    seams, found = OverlapStitcher(Options()), []
    for words, seam in zip(listen(say(spoken), jitter), (SEAM, None), strict=True):
        segments = [segment(words[at : at + size]) for at in range(0, len(words), size)]
        found += [each.segment.text for each in seams.add(segments or [Segment("")], seam)]
    assert " ".join(found).split() == [text for text, _ in spoken]


def test_segments_long_before_a_seam_are_final_at_once() -> None:
    first, second = Segment("one", 0.0, 4.0), Segment("two", 8.0, 9.0)
    seams = OverlapStitcher(Options())
    (final,) = seams.add([first, second], SEAM)
    assert (final.segment.text, final.seam, final.is_last) == ("one", SEAM, False)
    assert seams.held_from == 8.0
    held, last = seams.add([Segment("three", 11.0, 12.0)], None)
    assert (held.segment.text, held.seam, held.is_last) == ("two", SEAM, True)
    assert (last.segment.text, last.seam, last.is_last) == ("three", None, True)
