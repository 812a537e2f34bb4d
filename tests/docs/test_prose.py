"""The pages are in plain sentences, and the names of the code that they mention are in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from support.sentences import RIDDLE

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "core/govor").rglob("*.py"))

CAMEL = re.compile(r"`(?:[\w.]+\.)?((?:[A-Z][a-z0-9]+){2,})(?:[.(][^`]*)?`")
"""A class in backticks, with its module before it or a member behind it."""


def paragraphs(page: Any) -> list[str]:
    """The headings, paragraphs, list items and cells of a page, each as one line."""
    blocks: list[list[str]] = [[]]
    for line in page.prose.splitlines():
        if line.startswith("|"):
            blocks += [[cell.strip()] for cell in re.split(r"(?<!\\)\|", line)]
            blocks.append([])
        elif not line.strip() or line.startswith("#"):
            blocks += [[line.lstrip("# ")], []]
        else:
            if re.match(r"\s*(?:- |\d+\. )", line):
                blocks.append([])
            blocks[-1].append(re.sub(r"^\s*(?:- |\d+\. )?", "", line))
    return [" ".join(block) for block in blocks if any(block)]


def names_in(path: Path) -> set[str]:
    """The classes, functions and assigned names of a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_no_sentence_begins_with_who_what_or_whose(pages: dict[str, Any]) -> None:
    read = {name: paragraphs(page) for name, page in pages.items() if name != "docs/changelog.md"}
    assert len(read) >= 40
    assert sum(map(len, read.values())) >= 3000
    found = [
        f"{name}: {match[1][:60]}"
        for name, texts in read.items()
        for text in texts
        for match in RIDDLE.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Who is told?", True),
        ("It ends. What is left goes.", True),
        ("The rest: What is left goes.", True),
        ("It says what is left. Whatsapp is a program.", False),
        ("**Whose words** are these?", True),
        ("Return it.\n\n    Whoever asks waits.", True),
        ("Return what is left; who asks waits. Whatsoever.", False),
    ],
)
def test_the_guard_sees_the_beginnings_of_sentences(text: str, wrong: bool) -> None:
    assert bool(RIDDLE.search(text)) == wrong


def test_every_class_that_an_explanation_names_is_in_the_code(pages: dict[str, Any]) -> None:
    known = set().union(*map(names_in, SOURCES))
    assert len(known) > 3000
    named = {
        (name, found)
        for name, page in pages.items()
        if name.startswith(("docs/explanation/", "docs/reference/glossary", "docs/reference/hooks"))
        for found in CAMEL.findall(page.prose)
    }
    assert len(named) >= 40
    assert {(name, found) for name, found in named if found not in known} == set()


def test_every_module_that_an_explanation_names_is_there(pages: dict[str, Any]) -> None:
    named = {
        (name, path)
        for name, page in pages.items()
        if name.startswith("docs/explanation/")
        for path in re.findall(r"`((?:core|docs|tests|backends|[a-z_]+)/[\w/.-]+\.py)`", page.prose)
    }
    assert len(named) >= 30
    roots = (ROOT, ROOT / "core/govor")
    assert {item for item in named if not any((root / item[1]).is_file() for root in roots)} == set()


def test_every_room_of_the_code_is_in_the_architecture(pages: dict[str, Any]) -> None:
    core = ROOT / "core/govor"
    folders = [path.parent.relative_to(core) for path in core.rglob("__init__.py")]
    rooms = [folder.parts for folder in folders if 1 <= len(folder.parts) <= 2]
    rooms = [parts for parts in rooms if parts[0] != "cli" or len(parts) == 1]  # a folder for each command
    assert len(rooms) >= 35
    named = set(re.findall(r"`([\w.]+)`", pages["docs/explanation/architecture.md"].prose))
    assert [parts for parts in rooms if not {".".join(parts), parts[-1]} & named] == []
