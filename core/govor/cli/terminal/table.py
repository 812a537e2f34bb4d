"""Prints tables: fitted to the width of a terminal; in a pipe uncut, with a tab between cells."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from collections.abc import Sequence

from govor.cli.terminal.say import say
from govor.plain import escape

GAP = "  "
ROOM = 12  # least width of the last column: a narrower terminal breaks the lines itself
FIRST = 25  # width of the first column if the others need the rest
DETAIL = 40  # least width of a last column that can be read well
INDENT = "    "


def show_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    fold: bool = False,
    spare: Sequence[str] = (),
    below: bool = False,
) -> None:
    """Print rows: on a terminal in columns, in a pipe with a tab between cells.

    On a terminal the last column is cut; with `fold` it continues on further lines; with `below` it follows
    its row if it does not fit beside it. A narrow terminal leaves out the columns in `spare`, in order.
    """
    rows = [tuple(map(escape, row)) for row in rows]  # before they are measured
    if not sys.stdout.isatty():
        for row in (headings, *rows):
            say("\t".join(row))
        return
    if below and _width(headings, rows) + DETAIL > _screen():
        _show_below(headings, rows, spare)
        return
    for heading in spare:
        if _width(headings, rows) <= _screen():
            break
        headings, rows = _spared(headings, rows, heading)
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)][:-1]
    screen = _screen()
    indent = sum(widths) + len(GAP) * len(widths)
    room = max(ROOM, screen - indent)
    for row in (headings, *rows):
        start = "".join(cell.ljust(width) + GAP for cell, width in zip(row, widths, strict=False))
        lines = textwrap.wrap(row[-1], room) if fold else [_cut(row[-1], room)]
        text = (start + f"\n{' ' * indent}".join(lines)).rstrip()
        say(text, bold=row is headings or None)


def _show_below(headings: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> None:
    """Print rows with the last cell below the others; a long first cell has a line of its own."""
    screen = _screen()
    details = [row[-1] for row in rows]
    headings, rows = _without(headings, len(headings) - 1), [_without(row, len(row) - 1) for row in rows]
    for heading in spare:
        if heading in headings and _width(headings, rows, FIRST) > screen:
            headings, rows = _spared(headings, rows, heading)
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    widths[0] = min(widths[0], max(FIRST, screen - sum(widths[1:]) - len(GAP) * (len(widths) - 1)))
    for row, detail in zip((headings, *rows), ("", *details), strict=True):
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        if len(first) > widths[0]:
            first = f"{first}\n{' ' * widths[0]}"
        say(GAP.join((first, *others)).rstrip(), bold=row is headings or None)
        for line in textwrap.wrap(detail, max(ROOM, screen - len(INDENT))):
            say(INDENT + line, dim=True)


def megabytes(size: int | None) -> str:
    """Return a size as text, in units of 10^3, 10^6 or 10^9 bytes; "-" if it is unknown."""
    if size is None:
        return "-"
    if 0 < size < 10**6:
        return f"{math.ceil(size / 1e3)} kB"
    return f"{size / 1e9:.1f} GB" if size >= 10**10 else f"{size / 1e6:.0f} MB"


def duration(seconds: float) -> str:
    """Return a time as text: 42 s, 3 min, 5 h. A negative one counts as 0."""
    seconds = max(seconds, 0.0)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _screen() -> int:
    return shutil.get_terminal_size().columns


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]], first: int | None = None) -> int:
    """Return the width that a table needs in characters, with the last column cut to `ROOM`.

    With `first`, the first column is cut to that width, and the last one is whole.
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    gaps = len(GAP) * (len(widths) - 1)
    if first is not None:
        return min(widths[0], first) + sum(widths[1:]) + gaps
    return sum(widths[:-1]) + gaps + min(widths[-1], ROOM)


def _spared(
    headings: Sequence[str], rows: Sequence[Sequence[str]], heading: str
) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    place = list(headings).index(heading)
    return _without(headings, place), [_without(row, place) for row in rows]


def _without(cells: Sequence[str], place: int) -> tuple[str, ...]:
    return (*cells[:place], *cells[place + 1 :])


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
