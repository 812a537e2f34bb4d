"""The limits of subtitles, and the line breaks of one cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from govor.formats.subtitles.pieces import CuePiece


@dataclass(frozen=True, slots=True)
class Layout:
    """Limits of lines and cues; the defaults are those of most broadcasters' guidelines."""

    max_line_width: int = 42
    """Columns; a Chinese character takes two."""
    max_line_count: int = 2
    max_words_per_line: int = 0
    """0: any number."""
    min_seconds: float = 1.0
    """How long a cue is shown at least, if the next one does not begin before."""
    max_seconds: float = 7.0
    max_speed: float = 17.0
    """Reading speed in columns per second."""


class Filler:
    """Counts the lines that atoms fill, one after the other, each as full as possible."""

    __slots__ = ("_indent", "_layout", "_left", "_words", "lines")

    def __init__(self, layout: Layout, indent: int):
        """`indent` columns of the first line are taken."""
        self._layout, self._indent = layout, indent
        self.lines = 0
        self._left = 0
        self._words = 0

    def add(self, atom: CuePiece, gap: str) -> bool:
        """Add an atom, separated by `gap` from the one before; False: there is no line left for it."""
        wanted = atom.width + len(gap)
        limit = self._layout.max_words_per_line
        if self.lines and wanted <= self._left and not (limit and self._words >= limit):
            self._left -= wanted
            self._words += 1
            return True
        self.lines += 1
        self._left = self._layout.max_line_width - atom.width - (self._indent if self.lines == 1 else 0)
        self._words = 1
        return self.lines <= self._layout.max_line_count


def break_lines(atoms: Sequence[CuePiece], layout: Layout, indent: int) -> list[str]:
    """Return the lines of a cue: as few as possible, broken at the best places, of similar length."""
    filler = Filler(layout, indent)
    for before, atom in zip([None, *atoms], atoms, strict=False):
        filler.add(atom, before.gap if before else "")
    cuts = _best_cuts(atoms, layout, indent, filler.lines)
    return [join(atoms[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(atoms)], strict=True)]


def join(atoms: Sequence[CuePiece]) -> str:
    """Return the text of atoms on one line."""
    return "".join(atom.text + atom.gap for atom in atoms[:-1]) + atoms[-1].text


def _best_cuts(atoms: Sequence[CuePiece], layout: Layout, indent: int, lines: int) -> list[int]:
    """Return the atoms that begin a line, except the first."""
    best: list[tuple[float, list[int]] | None] = [(0.0, [])] + [None] * len(atoms)
    for line in range(lines):
        reached: list[tuple[float, list[int]] | None] = [None] * (len(atoms) + 1)
        for begin, known in enumerate(best):
            if known is not None and begin < len(atoms):
                _extend(reached, known, atoms, begin, layout, 0 if line else indent)
        best = reached
    whole = best[len(atoms)]
    return whole[1][:-1] if whole else []


def _extend(
    reached: list[tuple[float, list[int]] | None],
    known: tuple[float, list[int]],
    atoms: Sequence[CuePiece],
    begin: int,
    layout: Layout,
    indent: int,
) -> None:
    """Record the cheapest way to every possible end of a line that begins at `begin`."""
    width = indent
    for end in range(begin + 1, len(atoms) + 1):
        atom = atoms[end - 1]
        width += atom.width + (len(atoms[end - 2].gap) if end - 1 > begin else 0)
        too_many = 0 < layout.max_words_per_line < end - begin
        if (width > layout.max_line_width or too_many) and end - begin > 1:
            return
        cost = known[0] + (width / layout.max_line_width) ** 2 + (atom.cost * 0.2 if end < len(atoms) else 0)
        there = reached[end]
        if there is None or cost < there[0]:
            reached[end] = (cost, [*known[1], end])
