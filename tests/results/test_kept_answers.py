"""The answers of each backend stay as they were when they were written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the GigaAM plugins are not installed")

from results.kept_answers import CASES, KEPT, answer, every_backend, name_of
from support.processes.servers import Server

NEAR = 0.03
"""Difference of two numbers that processors of other kinds may make."""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with every_backend(tmp_path_factory.mktemp("kept")) as server:
        yield server


def alike(one: object, other: object) -> bool:
    """Return whether two answers differ at most in the last places of numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= NEAR
    return one == other


@pytest.mark.parametrize("case", CASES, ids=[name_of(*case) for case in CASES])
def test_an_answer_is_as_it_was(case: tuple[str, str, dict[str, Any]], everything: Server) -> None:
    kept = json.loads(Path(KEPT).read_text(encoding="utf-8"))[name_of(*case)]
    given = answer(everything, *case)
    assert alike(kept, given), json.dumps(given, ensure_ascii=False)
