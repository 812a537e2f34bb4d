"""Words without length get one, and as little as possible of their neighbours'."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.engine.alignment.word_lengths import LEAST, NONE, Span, lengthened


def rounded(spans: list[Span]) -> list[Span]:
    return [(round(start, 3), round(end, 3)) for start, end in spans]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param([(0.1, 0.3), (0.5, 0.5)], [(0.1, 0.3), (0.48, 0.5)], id="free time before it"),
        pytest.param([(0.1, 0.5), (0.5, 0.5)], [(0.1, 0.5), (0.5, 0.52)], id="free time behind it"),
        pytest.param(
            [(0.1, 0.5), (0.5, 0.5), (0.5, 0.9)], [(0.1, 0.5), (0.5, 0.52), (0.52, 0.9)], id="the next word's"
        ),
        pytest.param(
            [(0.1, 1.0), (1.0, 1.0)], [(0.1, 0.98), (0.98, 1.0)], id="the word's before, at the end"
        ),
        pytest.param(
            [(0.0, 0.0), (0.0, 0.0), (0.0, 0.4)], [(0.0, 0.02), (0.02, 0.04), (0.04, 0.4)], id="two of them"
        ),
        pytest.param([(0.1, 0.4), (0.3, 0.6)], [(0.1, 0.4), (0.3, 0.6)], id="words with length stay"),
    ],
)
def test_a_word_without_length_takes_free_time_first(words: list[Span], expected: list[Span]) -> None:
    assert rounded(lengthened(words, 0.0, 1.0)) == expected


@settings(deadline=None)
@given(st.lists(st.integers(0, 100), min_size=2, max_size=24).map(sorted))
def test_every_word_has_a_length_where_there_is_room(edges: list[int]) -> None:
    words = [(start / 100, end / 100) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    found = lengthened(words, 0.0, 1.0)
    assert len(found) == len(words)
    assert all(end - start >= NONE for start, end in found)
    assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(found))
    assert found[0][0] >= 0.0
    assert found[-1][1] <= 1.0 + 1e-9
    if all(end - start >= LEAST for start, end in words):
        assert found == words
