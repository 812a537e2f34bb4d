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

NEAR = 0.05
"""Difference of two numbers that processors, or Whisper's calls beside others, may make: 0.036 was seen."""
SECONDS = 0.1
"""Difference of two times: beside another call, Whisper's sums are made in another order."""
FRAME = 0.02
"""Seconds between two of Whisper's timestamp tokens."""
TIMES = {"start", "end", "seek", "tokens"}
"""Keys of times, and of tokens that may be times."""
FIRST_TIME = 50_364
"""Id of Whisper's first timestamp token."""
CUE_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3})")
"""A time in subtitles."""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with every_backend(tmp_path_factory.mktemp("kept")) as server:
        yield server


def alike(one: object, other: object, near: float = NEAR) -> bool:
    """Return whether two answers differ at most in the last places of numbers and in frames of times."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            alike(one[key], other[key], SECONDS if key in TIMES else NEAR) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(*pair, near) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= near
    if isinstance(one, str) and isinstance(other, str):
        return CUE_TIME.sub("", one) == CUE_TIME.sub("", other) and alike(
            cue_times(one), cue_times(other), SECONDS
        )
    if near == SECONDS and isinstance(one, int) and isinstance(other, int) and min(one, other) >= FIRST_TIME:
        return abs(one - other) <= SECONDS / FRAME
    return one == other


def cue_times(subtitles: str) -> list[float]:
    """Return the times in seconds."""
    found = (tuple(map(int, match.groups())) for match in CUE_TIME.finditer(subtitles))
    return [
        hours * 3600 + minutes * 60 + seconds + thousandths / 1000
        for hours, minutes, seconds, thousandths in found
    ]


@pytest.mark.parametrize("case", CASES, ids=[name_of(*case) for case in CASES])
def test_an_answer_is_as_it_was(case: tuple[str, str, dict[str, Any]], everything: Server) -> None:
    kept = json.loads(Path(KEPT).read_text(encoding="utf-8"))[name_of(*case)]
    given = answer(everything, *case)
    assert alike(kept, given), json.dumps(given, ensure_ascii=False)
