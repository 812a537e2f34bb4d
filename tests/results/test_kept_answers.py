"""The answers of each backend stay as they were when they were written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the GigaAM plugins are not installed")

from results.kept_answers import CASES, KEPT, answer, every_backend, name_of
from support.processes.servers import Server

NEAR = 0.1
"""Difference of two numbers, in seconds too, that processors of other kinds or calls at once may make."""
FRAME = 0.02
"""Seconds between two of Whisper's timestamp tokens."""
WHISPER_TIMES = 50_363
"""Ids above it are timestamp tokens."""
TIME = re.compile(r"\d\d:\d\d:\d\d[.,]\d{3}")
"""A time in subtitles."""


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
    if isinstance(one, str) and isinstance(other, str):
        return TIME.sub("", one) == TIME.sub("", other)
    if isinstance(one, int) and isinstance(other, int) and min(one, other) > WHISPER_TIMES:
        return abs(one - other) <= NEAR / FRAME
    return one == other


@pytest.mark.parametrize("case", CASES, ids=[name_of(*case) for case in CASES])
def test_an_answer_is_as_it_was(case: tuple[str, str, dict[str, Any]], everything: Server) -> None:
    kept = json.loads(Path(KEPT).read_text(encoding="utf-8"))[name_of(*case)]
    given = answer(everything, *case)
    assert alike(kept, given), json.dumps(given, ensure_ascii=False)
