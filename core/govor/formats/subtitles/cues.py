"""Turn segments into readable cues: in lines, shown long enough, broken at sentences, pauses and speakers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from govor.formats.subtitles.layout import Filler, Layout, break_lines
from govor.formats.subtitles.line_breaks import columns
from govor.formats.subtitles.pieces import CuePiece, cue_pieces, one_line
from govor.formats.timeline import TimedSegment

PAUSE = 0.5
"""Seconds of silence that separate two cues as well as a full stop does."""
LONG_PAUSE = 2.0
"""Seconds of silence during which no cue is shown."""
_LONGEST_RUN = 30.0  # seconds after which a segment's end ends a run, so that cues appear early


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines of text and the seconds from and to which they are shown."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str = ""


class CueMaker:
    """Makes cues from the segments of one recording, in time order. Cues do not overlap."""

    def __init__(self, layout: Layout = Layout(), *, labelled: bool = True):  # noqa: B008  frozen
        """`labelled`: the speaker's name takes room on the first line."""
        self._layout, self._labelled = layout, labelled
        self._run: list[CuePiece] = []
        self._speaker = ""
        self._held: Cue | None = None  # its end depends on the next one's start

    def add(self, placed: TimedSegment) -> Iterator[Cue]:
        """Yield the cues that become final with one more segment that has text."""
        speaker = one_line(placed.segment.speaker or "")
        atoms = cue_pieces(placed, self._layout.max_line_width - columns(self.label(speaker)))
        if self._run and (speaker != self._speaker or self._is_over(atoms[0])):
            yield from self._close_run()
        self._speaker = speaker
        if self._run and columns(self._run[-1].text[-1:]) == columns(atoms[0].text[:1]) == 2:
            self._run[-1] = replace(self._run[-1], gap="")
        self._run += atoms

    def end(self, duration: float = math.inf) -> Iterator[Cue]:
        """Yield the last cues; none is shown beyond the recording's end, unless its words are later."""
        yield from self._close_run()
        if self._held is not None:
            yield self._shown(self._held, max(duration, self._held.end))

    def label(self, speaker: str) -> str:
        """Return the label of a speaker's cue, at most half a line long."""
        if not speaker or not self._labelled:
            return ""
        room = self._layout.max_line_width // 2 - 2
        return f"{speaker if columns(speaker) <= room else speaker[: (room - 1) // 2] + '…'}: "

    def _is_over(self, following: CuePiece) -> bool:
        """Tell whether the run ends before an atom: at a sentence or pause, and long enough to read."""
        first, last = self._run[0], self._run[-1]
        pause = following.start - last.end
        if pause >= LONG_PAUSE or last.end - first.start >= _LONGEST_RUN:
            return True
        if last.cost > 0 and pause < PAUSE:
            return False
        shown = following.start - first.start
        return shown >= max(self._layout.min_seconds, _width(self._run) / self._layout.max_speed)

    def _close_run(self) -> Iterator[Cue]:
        indent = columns(self.label(self._speaker))
        for begin, end in _cut(self._run, self._layout, indent):
            atoms = self._run[begin:end]
            lines = tuple(break_lines(atoms, self._layout, indent))
            yield from self._settle(Cue(max(0.0, atoms[0].start), atoms[-1].end, lines, self._speaker))
        self._run = []

    def _settle(self, cue: Cue) -> Iterator[Cue]:
        """Hold a cue and yield the one before it, whose end is now known."""
        if self._held is not None:
            missing = self._layout.min_seconds - (cue.start - self._held.start)
            late = cue.start + missing
            if missing > 0 and cue.end - late >= self._layout.min_seconds:
                cue = replace(cue, start=late)  # so that a short word before it can be read, too
            start = max(cue.start, self._held.start + self._least(self._held))  # two may speak at once
            yield self._shown(self._held, start)
            cue = replace(cue, start=start, end=max(cue.end, start + self._least(cue)))
        self._held = replace(cue, end=max(cue.end, cue.start + self._least(cue)))

    def _least(self, cue: Cue) -> float:
        """Return the least seconds that a cue is shown, also if others speak meanwhile."""
        return max(0.001, min(self._layout.min_seconds, cue.end - cue.start))

    def _shown(self, cue: Cue, limit: float) -> Cue:
        """Return the cue with enough time to read it, but not beyond the limit."""
        reading = sum(map(columns, cue.lines)) / self._layout.max_speed
        wanted = max(cue.end, cue.start + max(self._layout.min_seconds, reading))
        return replace(cue, end=min(wanted, limit, cue.start + self._layout.max_seconds))


def _width(atoms: Sequence[CuePiece]) -> int:
    return sum(atom.width + len(atom.gap) for atom in atoms)


def _cut(atoms: Sequence[CuePiece], layout: Layout, indent: int) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of the cues of a run: of all ways to cut it, the cheapest."""
    cheapest = [0.0] + [math.inf] * len(atoms)
    began = [0] * (len(atoms) + 1)
    for begin in range(len(atoms)):
        for end, cost in _cues_from(atoms, begin, layout, indent):
            if cheapest[begin] + cost < cheapest[end]:
                cheapest[end], began[end] = cheapest[begin] + cost, begin
    ends = [len(atoms)]
    while ends[-1]:
        ends.append(began[ends[-1]])
    ends.reverse()
    yield from pairwise(ends)


def _cues_from(
    atoms: Sequence[CuePiece], begin: int, layout: Layout, indent: int
) -> Iterator[tuple[int, float]]:
    """Yield the possible ends of a cue that begins at an atom, with the cost of each.

    A sentence end or a pause in the middle costs, so does a short, fast or nearly empty cue, and an end amid
    a sentence.
    """
    filler = Filler(layout, indent)
    room = layout.max_line_width * layout.max_line_count
    start, width, inside = atoms[begin].start, 0, 0.0
    for end in range(begin + 1, len(atoms) + 1):
        atom, before = atoms[end - 1], atoms[end - 2] if end - 1 > begin else None
        if before is not None:
            pause = atom.start - before.end
            inside += 1.0 * (before.cost == 0) + max(0.0, pause - PAUSE)
            if pause >= LONG_PAUSE or atom.end - start > layout.max_seconds:
                return
        if not filler.add(atom, before.gap if before else "") and before is not None:
            return
        width += atom.width + (len(before.gap) if before else 0)
        following = atoms[end].start if end < len(atoms) else math.inf
        shown = min(max(following, atom.end) - start, layout.max_seconds)
        yield end, 0.5 + inside + _reading_cost(width, shown, room, layout) + _end_cost(atom, following)


def _end_cost(atom: CuePiece, following: float) -> float:
    return 0.0 if following - atom.end >= PAUSE else atom.cost


def _reading_cost(width: int, shown: float, room: int, layout: Layout) -> float:
    short = max(0.0, 1 - shown / layout.min_seconds) if layout.min_seconds else 0.0
    fast = max(0.0, width / (layout.max_speed * max(shown, 0.001)) - 1)
    return 3 * short + min(2.0, fast) + 0.5 * (1 - width / room) ** 2
