"""Docstrings are plain sentences: none begins with a word that makes a riddle of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from support.sentences import RIDDLE

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("core", "backends", "tests") for path in (ROOT / folder).rglob("*.py"))


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
            found += [f"{name}:{line}: {match[1][:60]}" for match in RIDDLE.finditer(text)]
    assert seen >= 4500
    assert found == []
