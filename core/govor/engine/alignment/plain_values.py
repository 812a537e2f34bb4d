"""Makes the values of a plugin's segment plain: numbers of Python's, letters that can be written. Pure."""

from __future__ import annotations

import math
from dataclasses import replace

from govor.contract.results import Segment, Token, Word
from govor.plain import with_whole_letters


def plain_values(segment: Segment) -> Segment:
    """Return a segment that every response can show.

    NumPy's numbers become Python's. A number that is none (NaN), and an endless one, is unknown; only a token
    may be impossible, with the log-probability -inf. A lone surrogate in the text becomes "?".
    """
    return replace(
        segment,
        text=with_whole_letters(segment.text),
        start=_number(segment.start),
        end=_number(segment.end),
        words=None if segment.words is None else tuple(map(_word, segment.words)),
        tokens=None if segment.tokens is None else tuple(map(_token, segment.tokens)),
        avg_logprob=_number(segment.avg_logprob),
        no_speech_prob=_number(segment.no_speech_prob),
        temperature=_number(segment.temperature),
    )


def _word(word: Word) -> Word:
    return Word(
        with_whole_letters(word.text), _number(word.start), _number(word.end), _number(word.probability)
    )


def _token(token: Token) -> Token:
    """Return a token without its times, which no response has."""
    number = None if token.id is None else int(token.id)
    logprob = None if token.logprob is None or math.isnan(token.logprob) else float(token.logprob)
    return Token(number, token.data, logprob)


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
