"""The page of the contract is what docs/generate.py writes, and has every type, field and name."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import govor
import govor.testing
from govor import contract

OLD = "govor.contract.versions"
"""Has types of version 0.1 too, which nobody should learn."""

TYPES = 30
"""Fewer classes in govor.contract, and this file has nothing to look at."""


@pytest.fixture
def page(pages: dict[str, Any]) -> Any:
    return pages["docs/reference/contract.md"]


@pytest.fixture
def rows(page: Any) -> dict[str, dict[str, list[str]]]:
    """For each heading, the rows of its table by the name in the first column."""
    found: dict[str, dict[str, list[str]]] = {}
    for section in re.split(r"^### ", page.text, flags=re.MULTILINE)[1:]:
        lines = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
        found[section.partition("\n")[0]] = {
            name: [cell.strip() for cell in re.split(r"(?<!\\)\|", rest)] for name, rest in lines
        }
    return found


def types() -> Iterator[type]:
    """Every public class of the contract."""
    for module in pkgutil.iter_modules(contract.__path__, "govor.contract."):
        if module.name == OLD:
            continue
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name and not name.startswith("_"):
                yield kind


def test_the_page_is_what_the_docstrings_make_of_it(page: Any, root: Path) -> None:
    generate = runpy.run_path(str(root / "docs/generate.py"))
    assert page.text == generate["render"](), "a docstring has changed: `make docs` writes the page again"


def test_every_type_and_every_public_name_has_a_heading(page: Any) -> None:
    headings = page.headings()
    assert len(headings) == len(set(headings))
    found = {kind.__name__ for kind in types()}
    assert len(found) >= TYPES
    hooks = {"hookimpl"}  # on the page of hooks
    assert (found | set(govor.__all__) | set(govor.testing.__all__)) - hooks <= set(headings)


def test_every_field_has_a_row_with_its_type_and_its_default(rows: dict[str, dict[str, list[str]]]) -> None:
    records = [kind for kind in types() if dataclasses.is_dataclass(kind)]
    assert len(records) >= 13
    assert sum(len(dataclasses.fields(record)) for record in records) >= 70
    for record in records:
        for field in dataclasses.fields(record):
            kind, default, meaning = rows[record.__name__][field.name]
            assert meaning, f"{record.__name__}.{field.name} has no docstring"
            assert kind.replace("\\|", "|") == f"`{field.type}`"
            must = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            assert (default == "required") == must


def test_every_type_says_what_it_is(page: Any) -> None:
    sections = re.split(r"^### ", page.text, flags=re.MULTILINE)[1:]
    told = {section.partition("\n")[0]: section for section in sections}
    for kind in types():
        first = (inspect.getdoc(kind) or "").partition("\n")[0]
        assert first, f"{kind.__name__} has no docstring"
        assert first in told[kind.__name__]
