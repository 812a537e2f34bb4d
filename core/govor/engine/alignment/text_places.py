"""Finds the words and tokens of a segment in its text, and cuts them with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from govor.contract.results import Segment, Token, mean_logprob
from govor.formats.timeline import TimedWord, timed_words

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Letters of scripts without spaces between words; each letter counts as a word."""

PIECES = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a segment's text."""

    sound: str
    """The word in lower case, letters and digits only, with ё as е."""
    start: float
    end: float
    first: int
    last: int
    """Characters `first` to `last` (exclusive) of the text."""

    @property
    def middle(self) -> float:
        """The middle of the word, in seconds."""
        return (self.start + self.end) / 2


def pieces(segment: Segment) -> list[Piece]:
    """Return the words of the text; a word without a time from the model gets one by its letters."""
    text = segment.text
    start = segment.start or 0.0
    letters, times = [0, len(text)], [start, max(segment.end or start, start)]
    timed = _places(text, timed_words(segment.words))
    if timed:
        letters = [place for span, _ in timed for place in span]
        times = [time for _, word in timed for time in (word.start, word.end)]
    found = []
    for match in PIECES.finditer(text):
        first, last = match.span()
        begins, ends = (float(time) for time in np.interp([first, last], letters, times))
        sound = "".join(letter for letter in match[0].casefold() if letter.isalnum()).replace("ё", "е")
        found.append(Piece(sound, begins, ends, first, last))
    return found


def _places(text: str, words: Sequence[TimedWord]) -> list[tuple[tuple[int, int], TimedWord]]:
    """Return first and last character of each word in the text, without words that the text does not have."""
    found, behind = [], 0
    for word in words:
        written = word.text.strip()
        first = text.find(written, behind)
        if written and first >= 0:
            behind = first + len(written)
            found.append(((first, behind), word))
    return found


def only(segment: Segment, holds: Callable[[int], bool]) -> Segment:
    """Return the segment with only the words and tokens that begin at characters which `holds` accepts."""
    words, tokens, logprob = segment.words, segment.tokens, segment.avg_logprob
    if words is not None:
        placed = _places(segment.text, timed_words(words))
        words = tuple(timed.word for (first, _), timed in placed if holds(first))
    if tokens is not None:
        knows = mean_logprob(tokens) is not None
        places = _token_places(segment.text, tokens)
        tokens = tuple(token for token, place in zip(tokens, places, strict=True) if holds(place))
        logprob = mean_logprob(tokens) if knows else logprob
    return replace(segment, words=words, tokens=tokens, avg_logprob=logprob)


def _token_places(text: str, tokens: Sequence[Token]) -> list[int]:
    """Return for each token the position in the text of its first character that is no space.

    A token that is no text has the position of the character behind it or, at the end, before it.
    """
    written = b"".join(token.data for token in tokens)
    letters = written.decode(errors="ignore")
    skipped = len(letters) - len(letters.lstrip()) - (len(text) - len(text.lstrip()))
    places = []
    for end, token in zip(accumulate(len(token.data) for token in tokens), tokens, strict=True):
        before = end - len(token.data.lstrip())
        place = max(len(written[:before].decode(errors="ignore")) - skipped, 0)
        places.append(place if token.data else min(place, max(len(text) - 1, 0)))
    return places
