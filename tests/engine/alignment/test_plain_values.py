"""Values of a plugin's segments as every response can show them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from govor.contract.results import Segment, Token, Word
from govor.engine.alignment.plain_values import plain_values


def test_numbers_of_numpy_are_those_of_python() -> None:
    half: Any = np.float32(0.5)
    number: Any = np.int64(7)
    word, token = Word("ho", half, half, half), Token(number, b"ho", half)
    found = plain_values(Segment("ho", half, half, (word,), (token,), "en", None, half, half, half))
    assert found == Segment(
        "ho", 0.5, 0.5, (Word("ho", 0.5, 0.5, 0.5),), (Token(7, b"ho", 0.5),), "en", None, 0.5, 0.5, 0.5
    )
    json.dumps(asdict(found), default=bytes.decode)


@pytest.mark.parametrize("none", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_unknown(none: float) -> None:
    word = Word("ho", none, none, none)
    assert plain_values(Segment("ho", none, none, (word,), None, None, None, none, none, none)) == Segment(
        "ho", words=(Word("ho", None, None),)
    )


def test_a_token_may_be_impossible_but_no_number_is_none() -> None:
    tokens = Token(1, b"h", -math.inf), Token(None, b"o", math.nan)
    found = plain_values(Segment("ho", tokens=tokens))
    assert found.tokens == (Token(1, b"h", -math.inf), Token(None, b"o", None))


def test_letters_that_no_encoding_can_write_are_replaced() -> None:
    found = plain_values(Segment("a\ud800b 🙂", words=(Word("a\ud800b", 0, 1), Word("🙂", 1, 2))))
    assert found.text == "a?b 🙂"
    assert [word.text for word in found.words or ()] == ["a?b", "🙂"]
