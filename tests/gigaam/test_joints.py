"""Utterances with a silence between them that a chunk leaves out: each becomes a segment of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from govor.settings import Settings
from miniature.heldout import HeldOut
from support.processes.servers import Server, serving
from support.sound import media

SILENT = 2.6
"""Seconds: less than the silence that closes a chunk."""


@pytest.fixture(scope="module")
def server(models_dir: Any, tables: dict[str, dict[str, Any]]) -> Iterator[Server]:
    settings = Settings(models_dir=models_dir, plugins=tables, preload=(), order=("gigaam-onnx",))
    with serving(settings) as running:
        yield running


@pytest.mark.parametrize("words", [False, True])
def test_each_utterance_is_a_segment_with_its_own_words_and_times(
    words: bool, server: Server, heldout: list[HeldOut]
) -> None:
    chosen = [one for one in heldout if one.kind == "trained"][:3]
    pause = np.zeros(round(SILENT * 16_000), np.float32)
    parts = [part for one in chosen for part in (one.samples(), pause)]
    fields = {"timestamp_granularities[]": ["segment", "word"] if words else ["segment"]}
    answer = server.post(
        media.wav(np.concatenate(parts)), model="mini-v3_ctc", response_format="verbose_json", **fields
    ).json()
    segments, spoken, at = answer["segments"], [], 0.0
    for one in chosen:
        spoken.append((at, at + len(one.samples()) / 16_000))
        at = spoken[-1][1] + SILENT
    assert len(segments) == len(chosen)
    for segment, (start, end) in zip(segments, spoken, strict=True):
        assert start <= segment["start"] < segment["end"] <= end + 0.3
    assert answer["text"] == " ".join(segment["text"] for segment in segments)
    assert ("words" in answer) == words
    assert all(before["end"] <= after["start"] for before, after in pairwise(answer.get("words", [])))
