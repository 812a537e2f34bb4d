"""The page of security names tests that exist, and says honestly what has none."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

LEAST_HELD = 65
"""Lines of the checklist that have tests; fewer would be a promise taken back."""

NUMBER = re.compile(r"\d{1,2}\.\d{1,2}(\.\d{1,2})?(, \d{1,2}\.\d{1,2}\.\d{1,2})*")


@pytest.fixture
def lines(pages: dict[str, Any]) -> list[list[str]]:
    """The rows of all tables, without their heads."""
    return [row for row in pages["docs/reference/security.md"].rows() if row[0] != "ASVS"]


def functions(path: Path) -> set[str]:
    """The names of all tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_the_checklist_names_exists(lines: list[list[str]], root: Path) -> None:
    absent, held = [], [row for row in lines if len(row) == 4]
    for row in held:
        named = re.findall(r"`([\w/.-]+)::(test_\w+)`", row[3])
        assert named, row
        absent += [f"{path}::{name}" for path, name in named if name not in functions(root / path)]
    assert absent == []
    assert len(held) >= LEAST_HELD


def test_every_line_has_a_requirement_and_what_is_done(lines: list[list[str]]) -> None:
    assert len(lines) >= LEAST_HELD
    for row in lines:
        assert len(row) in (3, 4)
        assert NUMBER.fullmatch(row[0]), row
        assert all(row[1:])
