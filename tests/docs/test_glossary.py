"""The glossary has few terms, and each is a name in the code; words that were retired stay away."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([a-z -]+) \| `(\w+)` \| (.+) \|$", re.MULTILINE)
TERMS = ROW.findall((ROOT / "docs/reference/glossary.md").read_text())
SOURCES = sorted((ROOT / "core/govor").rglob("*.py"))
RETIRED = {
    "Lane",
    "Turn",
    "Errand",
    "Share",
    "Stretch",
    "Cutter",
    "Packing",
    "Seams",
    "Tape",
    "Patience",
    "Place",
    "ReadAhead",
    "Budget",
    "Account",
    "Claim",
    "Arrivals",
    "Departures",
    "Residence",
    "Growth",
    "Gauge",
    "Workload",
    "Chooser",
    "Traffic",
    "Underway",
    "Doorway",
    "Door",
    "Exchange",
    "Exchanges",
    "Visit",
    "Figures",
    "Watch",
    "Ledger",
    "Order",
    "Belongings",
    "Wish",
    "Wishes",
    "Hearing",
    "Parties",
}
"""Names that the code had before, which no engineer of the field would have looked for."""


def names_in(path: Path) -> set[str]:
    """Return the classes and functions of a module, its own name, and its folder's."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)} | {path.stem, path.parent.name}


NAMES = set().union(*map(names_in, SOURCES))


def test_there_are_few_terms_in_order() -> None:
    terms = [term for term, _, _ in TERMS]
    assert 30 <= len(terms) <= 50
    assert terms == sorted(set(terms))


@pytest.mark.parametrize(("term", "name"), [(term, name) for term, name, _ in TERMS])
def test_a_term_is_a_name_in_the_code(term: str, name: str) -> None:
    assert name in NAMES


def test_no_retired_name_comes_back() -> None:
    assert len(NAMES) > 1500
    assert set() == NAMES & RETIRED
