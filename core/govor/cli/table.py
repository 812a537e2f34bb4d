"""Tables on standard output: fitted to a terminal, unabridged in a pipe."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

from govor.cli.say import say
from govor.plain import escape

GAP = "  "
ROOM = 12  # least columns for the last one: a narrower terminal breaks the lines itself
UNLIMITED = 1_000_000


def show_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, fold: bool = False, spare: Sequence[str] = ()
) -> None:
    """Print rows, the last column cut where a terminal ends; or folded onto further lines.

    `spare` are the columns that a narrow terminal does without, the first one first.
    """
    rows = [tuple(map(escape, row)) for row in rows]  # before they are measured
    for heading in spare:
        if _width(headings, rows) <= _screen():
            break
        place = list(headings).index(heading)
        headings, rows = _without(headings, place), [_without(row, place) for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)][:-1]
    screen = _screen()
    indent = sum(widths) + len(GAP) * len(widths)
    room = max(ROOM, screen - indent)
    for row in (headings, *rows):
        start = "".join(cell.ljust(width) + GAP for cell, width in zip(row, widths, strict=False))
        lines = textwrap.wrap(row[-1], room) if fold else [_cut(row[-1], room)]
        text = (start + f"\n{' ' * indent}".join(lines)).rstrip()
        say(text, bold=row is headings or None)


def megabytes(size: int | None) -> str:
    """A size for people, in 10^6 or 10^9 bytes; "-" where it is unknown."""
    if size is None:
        return "-"
    return f"{size / 1e9:.1f} GB" if size >= 10**10 else f"{size / 1e6:.0f} MB"


def _screen() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Columns of a terminal that a table needs, its last cell cut to what is just bearable."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return sum(widths[:-1]) + len(GAP) * (len(widths) - 1) + min(widths[-1], ROOM)


def _without(cells: Sequence[str], place: int) -> tuple[str, ...]:
    return (*cells[:place], *cells[place + 1 :])


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
