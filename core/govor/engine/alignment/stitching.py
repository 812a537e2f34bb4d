"""Joins the texts of chunks that overlap, so that no word at a seam is lost or written twice.

Both chunks hold the words around the seam, each cut off at the other side. Knows nothing of audio or models.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from govor.contract.recognition import Options, Segment, Token, Word

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Letters of scripts without spaces between words; each letter counts as a word."""

PIECES = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
NEAR, NEAR_BY_GUESS = 0.5, 2.0
"""Greatest seconds between the two times of one word: if the model gave them, and if they are guessed."""
REACH, STEP = 0.5, 0.02  # seconds around the seam that are searched for a gap between words


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


class OverlapStitcher:
    """Joins the segments of one recording, in order."""

    def __init__(self, asked: Options):
        """`asked`: the options of the client; segments at seams may have words and tokens beyond them."""
        self._asked = asked
        self._held: tuple[Segment, float] | None = None

    @property
    def held_from(self) -> float:
        """Start of the segment that waits for the next chunk, in seconds; infinite if none waits."""
        return math.inf if self._held is None else self._held[0].start or 0.0

    def add(
        self, segment: Segment, seam: float | None, *, detailed: bool = False
    ) -> list[tuple[Segment, float | None]]:
        """Take the next segment; return the segments that are final now, each with the seam behind it.

        `seam`: the time at which the next chunk takes over, in seconds; None: the segment is not the last of
        its chunk, or nothing overlaps. `detailed`: it may have words and tokens that were not asked for.
        """
        final: list[tuple[Segment, float | None]] = []
        joined = self._held is not None
        if self._held is not None:
            earlier, segment = meet(self._held[0], segment, self._held[1])
            final.append((self._trimmed(earlier), self._held[1]))
        self._held = None if seam is None else (segment, seam)
        if seam is None:
            final.append((self._trimmed(segment) if joined or detailed else segment, None))
        return final

    def _trimmed(self, segment: Segment) -> Segment:
        words = segment.words if self._asked.words else None
        return replace(segment, words=words, tokens=segment.tokens if self._asked.logprobs else None)


def meet(earlier: Segment, later: Segment, seam: float) -> tuple[Segment, Segment]:
    """Return both segments, each without the words that the other one keeps. Times are of the recording."""
    ours, theirs = pieces(earlier), pieces(later)
    near = NEAR_BY_GUESS if earlier.words is None or later.words is None else NEAR
    kept, dropped = _in_common(ours, theirs, seam, near) or _at_gap(ours, theirs, seam)
    first, second = _head(earlier, ours, kept), _tail(later, theirs, dropped)
    if first.end is not None and second.start is not None and second.start < first.end:
        second = replace(second, start=min(first.end, second.end or first.end))
    return first, second


def pieces(segment: Segment) -> list[Piece]:
    """Return the words of the text; a word without a time from the model gets one by its letters."""
    text = segment.text
    start = segment.start or 0.0
    letters, times = [0, len(text)], [start, max(segment.end or start, start)]
    timed = _places(text, segment.words or ())
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


def _places(text: str, words: Sequence[Word]) -> list[tuple[tuple[int, int], Word]]:
    """Return first and last character of each word in the text, without words that the text does not have."""
    found, behind = [], 0
    for word in words:
        written = word.text.strip()
        first = text.find(written, behind)
        if written and first >= 0:
            behind = first + len(written)
            found.append(((first, behind), word))
    return found


def _in_common(
    ours: Sequence[Piece], theirs: Sequence[Piece], seam: float, near: float
) -> tuple[int, int] | None:
    """Return how many of ours to keep and of theirs to drop: the longest common run, cut at the seam."""
    runs: dict[tuple[int, int], tuple[float, int]] = {}  # ending at a pair: how much it counts, its length
    for i, mine in enumerate(ours):
        for j, other in enumerate(theirs):
            apart = abs(mine.middle - other.middle)
            if mine.sound and mine.sound == other.sound and apart <= near:
                weight, length = runs.get((i - 1, j - 1), (0.0, 0))
                runs[i, j] = (
                    weight + 1 - apart / near,
                    length + 1,
                )  # by time too: "yes, yes, yes" fits anywhere
    if not runs:
        return None
    i, j = max(runs, key=lambda pair: runs[pair][0])
    run = [(i - step, j - step) for step in range(runs[i, j][1])]
    i, j = min(run, key=lambda pair: abs(ours[pair[0]].middle - seam))
    return i + 1, j + 1


def _at_gap(ours: Sequence[Piece], theirs: Sequence[Piece], seam: float) -> tuple[int, int]:
    """Return the same if the two share no word: by the time at which neither is within a word."""
    if not ours or not theirs or ours[-1].end <= theirs[0].start:
        return len(ours), 0  # only one of them has words in the overlap
    offsets = np.arange(0.0, REACH, STEP)
    times = [float(seam + offset) for pair in zip(offsets, -offsets, strict=True) for offset in pair]
    time = min(times, key=lambda time: _depth(ours, time) + _depth(theirs, time))
    mine, other = (_across(side, time) for side in (ours, theirs))
    if mine is not None and other is not None:
        left, right = ours[mine], theirs[other]
        if left.middle <= right.start:
            return mine + 1, other  # two words that follow each other, their times a little off
        if right.middle <= left.start:
            return mine, other + 1
        return mine + 1, other + 1  # one word that the chunks write differently
    return sum(piece.middle < time for piece in ours), sum(piece.middle < time for piece in theirs)


def _depth(side: Sequence[Piece], time: float) -> float:
    """Return the seconds from a time to the nearest edge of the word around it; 0 between words."""
    return max([0.0, *(min(time - piece.start, piece.end - time) for piece in side)])


def _across(side: Sequence[Piece], time: float) -> int | None:
    return next((place for place, piece in enumerate(side) if piece.start < time < piece.end), None)


def _head(segment: Segment, found: Sequence[Piece], kept: int) -> Segment:
    """Return the segment with only its first words."""
    if kept == len(found):
        return segment
    stop = found[kept - 1].last if kept else 0
    end = found[kept - 1].end if kept else segment.start
    short = only(segment, lambda place: place < stop)
    return replace(short, text=segment.text[:stop], end=end)


def _tail(segment: Segment, found: Sequence[Piece], dropped: int) -> Segment:
    """Return the segment without its first words."""
    if not dropped:
        return segment
    begin = found[dropped].first if dropped < len(found) else len(segment.text)
    start = found[dropped].start if dropped < len(found) else segment.end
    short = only(segment, lambda place: place >= begin)
    return replace(short, text=segment.text[begin:], start=start)


def only(segment: Segment, holds: Callable[[int], bool]) -> Segment:
    """Return the segment with only the words and tokens that begin at characters which `holds` accepts."""
    words = segment.words
    if words is not None:
        words = tuple(word for (first, _), word in _places(segment.text, words) if holds(first))
    tokens, ids, logprob = segment.tokens, None, segment.avg_logprob
    if tokens is not None:
        places = _token_places(segment.text, tokens)
        chosen = [index for index, place in enumerate(places) if holds(place)]
        if segment.token_ids is not None and len(segment.token_ids) == len(tokens):
            ids = tuple(segment.token_ids[index] for index in chosen)
        logprob = math.fsum(tokens[index].logprob for index in chosen) / len(chosen) if chosen else None
        tokens = _begun([tokens[index] for index in chosen])
    return replace(segment, words=words, tokens=tokens, token_ids=ids, avg_logprob=logprob)


def _token_places(text: str, tokens: Sequence[Token]) -> list[int]:
    """Return for each token the position in the text of its first character that is no space."""
    written = b"".join(token.data for token in tokens)
    skipped = len(written.decode(errors="ignore")) - len(written.decode(errors="ignore").lstrip())
    skipped -= len(text) - len(text.lstrip())
    places = []
    for end, token in zip(accumulate(len(token.data) for token in tokens), tokens, strict=True):
        before = end - len(token.data) + len(token.data) - len(token.data.lstrip())
        places.append(len(written[:before].decode(errors="ignore")) - skipped)
    return places


def _begun(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Return tokens that begin a text: the first one without its space."""
    if not tokens:
        return ()
    first = tokens[0]
    return (replace(first, text=first.text.lstrip(), data=first.data.lstrip()), *tokens[1:])
