"""Tables on standard output: fitted to a terminal, unabridged in a pipe."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

import click

GAP = "  "
ROOM = 12  # least columns for the last one: a narrower terminal breaks the lines itself
UNLIMITED = 1_000_000


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, fold: bool = False) -> None:
    """Print rows, the last column cut where a terminal ends; or folded onto further lines."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)][:-1]
    screen = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    indent = sum(widths) + len(GAP) * len(widths)
    room = max(ROOM, screen - indent)
    for row in (headings, *rows):
        start = "".join(cell.ljust(width) + GAP for cell, width in zip(row, widths, strict=False))
        lines = textwrap.wrap(row[-1], room) if fold else [_cut(row[-1], room)]
        text = (start + f"\n{' ' * indent}".join(lines)).rstrip()
        click.secho(text, bold=row is headings or None)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
