"""Cut a transcript into its smallest pieces for subtitles: a line may end between any two of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from govor.formats.subtitles.line_breaks import break_places, clusters, columns, ends_clause, ends_sentence
from govor.formats.timeline import TimedSegment, TimedWord, timed_words
from govor.plain import without_controls

_CLAUSE_COST, _SEGMENT_COST, _COST, _INSIDE_COST = 0.35, 0.8, 1.8, 3.0


@dataclass(frozen=True, slots=True)
class CuePiece:
    """A text that stays on one line; `start` <= `end`, in seconds."""

    text: str
    gap: str
    """Separator from the next one on the same line: a space or nothing."""
    start: float
    end: float
    cost: float
    """Cost of ending a line or a cue here: 0 after a sentence, most inside a word."""
    width: int
    """Columns, without the gap."""


def cue_pieces(placed: TimedSegment, widest: int) -> list[CuePiece]:
    """Return the text of a segment in pieces of at most `widest` columns, in order and complete.

    Times are those of the words, if the words are in the text; else in proportion to the letters.
    """
    text = one_line(placed.segment.text)
    spans = _spans(text, timed_words(placed.segment.words))
    clock = _Clock(text, spans, placed.start, placed.end)
    places = [0, *_fitting(text, break_places(text), widest), len(text)]
    inside = {at for begin, end, _ in spans for at in range(begin + 1, end)}
    atoms = [_atom(text, begin, end, clock, inside) for begin, end in pairwise(places)]
    return [*atoms[:-1], replace(atoms[-1], gap=" ", cost=min(atoms[-1].cost, _SEGMENT_COST))]


def one_line(text: str) -> str:
    """Return the text without control characters and line ends: a blank line would end a cue."""
    return " ".join(without_controls(text).split())


def _atom(text: str, begin: int, end: int, clock: _Clock, inside: set[int]) -> CuePiece:
    piece = text[begin:end]
    shown = piece.rstrip(" ")
    gap = " " if len(shown) < len(piece) else ""
    start, stop = clock.times(begin, begin + len(shown))
    return CuePiece(
        shown, gap, start, stop, _cost(shown, broken=end in inside or not _may_end(text, end)), columns(shown)
    )


def _may_end(text: str, end: int) -> bool:
    return end == len(text) or text[end - 1] == " " or columns(text[end - 1]) == 2


def _cost(text: str, *, broken: bool) -> float:
    if ends_sentence(text):
        return 0.0
    if ends_clause(text):
        return _CLAUSE_COST
    return _INSIDE_COST if broken else _COST


def _fitting(text: str, places: Sequence[int], widest: int) -> list[int]:
    """Add places within pieces that are longer than a line."""
    fitting: list[int] = []
    for begin, end in pairwise([0, *places, len(text)]):
        if begin:
            fitting.append(begin)
        piece = text[begin:end].rstrip(" ")
        if columns(piece) <= widest:
            continue
        cut = 0
        for last, at in pairwise([0, *clusters(piece), len(piece)]):
            if columns(piece[cut:at]) > widest and last > cut:
                fitting.append(begin + last)
                cut = last
    return fitting


def _spans(text: str, words: Sequence[TimedWord]) -> list[tuple[int, int, TimedWord]]:
    """Return the span of each word in the text; nothing if one of them is not in it."""
    spans: list[tuple[int, int, TimedWord]] = []
    position = 0
    for word in words:
        written = one_line(word.text)
        found = text.find(written, position)
        if found < 0:
            return []
        if written:
            position = found + len(written)
            spans.append((found, position, word))
    return spans


class _Clock:
    """The time of each letter of a text."""

    def __init__(self, text: str, spans: Sequence[tuple[int, int, TimedWord]], start: float, end: float):
        self._begins = [begin for begin, _, _ in spans] or [0]
        self._ends = [end for _, end, _ in spans] or [max(1, len(text))]
        self._words = [(word.start, max(word.start, word.end)) for _, _, word in spans] or [(start, end)]

    def times(self, begin: int, end: int) -> tuple[float, float]:
        """Return the times of the letters from `begin` to `end`."""
        first = bisect_right(self._ends, begin)  # the first word that ends after the beginning
        last = bisect_left(self._begins, end) - 1  # the last word that begins before the end
        if first > last:  # between two words
            at = self._words[last][1] if last >= 0 else self._words[0][0]
            return at, at
        start = self._within(first, begin) if begin > self._begins[first] else self._words[first][0]
        stop = self._within(last, end) if end < self._ends[last] else self._words[last][1]
        return start, max(start, stop)

    def _within(self, number: int, at: int) -> float:
        begin, end = self._begins[number], self._ends[number]
        start, stop = self._words[number]
        return start + (stop - start) * (at - begin) / (end - begin)
