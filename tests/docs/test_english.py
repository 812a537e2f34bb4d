"""Docstrings are plain sentences: none begins with a word that makes a riddle of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("core", "backends", "tests") for path in (ROOT / folder).rglob("*.py"))

STARTS = re.compile(r"(?:^|[.!?]\s+|\n\n)\s*((?:Who|What|Whose|Whom|Whoever|Whatever)\b[^.]*)")


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string that is a statement: of modules, classes, functions, attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text


def test_no_sentence_of_a_docstring_begins_with_who_what_or_whose() -> None:
    seen, found = 0, []
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        for line, text in docstrings(path):
            seen += 1
            found += [f"{name}:{line}: {match[1][:60]}" for match in STARTS.finditer(text)]
    assert seen >= 4500
    assert found == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Who is next.", True),
        ("Return it. What is left stays.", True),
        ("Return it.\n\n    Whoever asks waits.", True),
        ("Return what is left; who asks waits. Whatsoever.", False),
        ("Tell whose it is.", False),
    ],
)
def test_the_guard_sees_the_beginnings_of_sentences(text: str, wrong: bool) -> None:
    assert bool(STARTS.search(text)) == wrong
