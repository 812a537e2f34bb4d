"""Segments as a job stores them, also as version 0.1 stored them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from govor.contract.results import Segment, Token, Word
from govor.jobs.storage.segments import dump_segment, load_segment

OLD = {
    "text": "п",
    "start": 0.1,
    "end": 0.5,
    "words": None,
    "tokens": None,
    "token_ids": None,
    "language": "ru",
    "speaker": None,
    "avg_logprob": -0.25,
    "no_speech_prob": None,
    "temperature": None,
}
"""A segment in the form of version 0.1."""
TOLD = [
    {"text": "\ufffd", "logprob": -0.5, "data": "0A=="},
    {"text": "\ufffd", "logprob": -0.0, "data": "vw=="},
]
KNOWN = (Token(7, b"\xd0", -0.5), Token(8, b"\xbf", 0.0))


def test_a_segment_comes_back_to_the_last_bit() -> None:
    tokens = (Token(1, b"\xd0", float("-inf"), 0.1, 1 / 3), Token(None, b"\xbf", -0.1 / 3))
    segment = Segment("п", 0.1, 1 / 3, (Word("п", 0.1, 0.30000000000000004, None),), tokens, "ru")
    assert load_segment(dump_segment(segment)) == segment


def test_numbers_that_a_backend_left_as_numpys_are_kept() -> None:
    kept = load_segment(dump_segment(Segment("a", np.float32(0.5), tokens=(Token(np.int64(3), b"a"),))))  # type: ignore[arg-type]
    assert (kept.start, kept.tokens) == (0.5, (Token(3, b"a"),))


def test_only_what_is_known_is_stored() -> None:
    assert json.loads(dump_segment(Segment("a", tokens=(Token(1, b"a"),)))) == {
        "segment": {"text": "a", "tokens": [{"id": 1, "data": "YQ=="}]}
    }


@pytest.mark.parametrize(
    ("tokens", "ids", "now"),
    [
        (None, None, None),
        (None, [7, 8], (Token(7, b""), Token(8, b""))),
        ([], [7], (Token(7, b""),)),
        ([], [], ()),
        (TOLD, [7, 8], KNOWN),
        (TOLD, None, tuple(Token(None, each.data, each.logprob) for each in KNOWN)),
    ],
)
def test_a_row_of_version_0_1_is_read(
    tokens: list[object] | None, ids: list[int] | None, now: tuple[Token, ...] | None
) -> None:
    row = json.dumps({"segment": {**OLD, "tokens": tokens, "token_ids": ids}})
    assert load_segment(row) == Segment("п", 0.1, 0.5, None, now, "ru", avg_logprob=-0.25)
