"""Joins the texts of chunks that overlap, so that no word at a seam is lost or written twice.

Both chunks hold the words around the seam, each cut off at the other side. Knows nothing of audio or models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from govor.contract.recognizers import Options
from govor.contract.results import Segment, Token
from govor.engine.alignment.text_places import Piece, only, pieces

NEAR, NEAR_BY_GUESS = 0.5, 2.0
"""Greatest seconds between the two times of one word: if the model gave them, and if they are guessed."""
HELD_FROM = 2.0
"""Segments that end so many seconds before a seam, or later, may hold words of the chunk behind it."""
REACH, STEP = 0.5, 0.02  # seconds around the seam that are searched for a gap between words


@dataclass(frozen=True, slots=True)
class Final:
    """A segment that is final."""

    segment: Segment
    seam: float | None
    """The seam behind its chunk, in seconds; None: nothing overlaps there."""
    is_last: bool
    """Whether it is the last one of its chunk."""


class OverlapStitcher:
    """Joins the segments of one recording, in order, and drops what the client has not asked for."""

    def __init__(self, asked: Options):
        """`asked`: the options of the client; segments may have words and log-probabilities beyond them."""
        self._asked = asked
        self._held: list[Segment] = []
        self._seam: float | None = None

    @property
    def held_from(self) -> float:
        """Start of the first segment that waits for the next chunk, in seconds; infinite if none waits."""
        return self._held[0].start or 0.0 if self._held else math.inf

    def add(self, segments: Sequence[Segment], seam: float | None) -> list[Final]:
        """Take the next segments, at least one; return the segments that are final now.

        They are all segments of a chunk or, if no chunk overlaps another, any number of them. `seam`: the
        time at which the next chunk takes over, in seconds; None: nothing overlaps.
        """
        before, behind = self._held, self._seam
        if before and behind is not None:
            before, segments = meet(before, segments, behind)
        held_from = len(segments) if seam is None else _reaching(segments, seam)
        self._held, self._seam = list(segments[held_from:]), seam
        return [
            *(Final(self._asked_of(each), behind, each is before[-1]) for each in before),
            *(Final(self._asked_of(each), seam, each is segments[-1]) for each in segments[:held_from]),
        ]

    def _asked_of(self, segment: Segment) -> Segment:
        """Return the segment with what the client asked for, and the ids of its tokens."""
        tokens = segment.tokens
        if tokens and not self._asked.logprobs:
            tokens = tuple(Token(token.id, token.data) for token in tokens)
        return replace(segment, words=segment.words if self._asked.words else None, tokens=tokens)


def _reaching(segments: Sequence[Segment], seam: float) -> int:
    """Return the place of the first segment that may hold words of the chunk behind the seam."""
    near = (at for at, each in enumerate(segments) if each.end is None or each.end > seam - HELD_FROM)
    return min(next(near, len(segments)), len(segments) - 1)


def meet(
    earlier: Sequence[Segment], later: Sequence[Segment], seam: float
) -> tuple[list[Segment], list[Segment]]:
    """Return the segments of both sides, each without the words that the other side keeps.

    Times are of the recording. Each side has at least one segment.
    """
    ours, theirs = [pieces(segment) for segment in earlier], [pieces(segment) for segment in later]
    guessed = any(segment.words is None for segment in chain(earlier, later))
    mine, others = list(chain(*ours)), list(chain(*theirs))
    kept, dropped = _in_common(mine, others, seam, NEAR_BY_GUESS if guessed else NEAR) or _at_gap(
        mine, others, seam
    )
    first = list(map(_head, earlier, ours, _shares(ours, kept)))
    second = list(map(_tail, later, theirs, _shares(theirs, dropped)))
    end = max((each.end for each in first if each.end is not None), default=0.0)
    return first, [_from(end, each) for each in second]


def _from(seconds: float, segment: Segment) -> Segment:
    """Return the segment without the time before `seconds`."""
    if segment.start is None or segment.start >= seconds:
        return segment
    return replace(segment, start=min(seconds, segment.end or seconds))


def _shares(sides: Sequence[Sequence[Piece]], count: int) -> Iterator[int]:
    """Divide the first `count` words among segments with these words."""
    for side in sides:
        yield min(len(side), count)
        count -= min(len(side), count)


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
