"""Convert faster-whisper's results to Govor's Segments.

Times are clipped to the recording: Whisper gets windows padded to 30 s, and its times may lie beyond the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import govor

WHISPER_TO_ISO = {"jw": "jv"}


class FoundWord(Protocol):
    """faster_whisper.transcribe.Word. Its numbers may be numpy's."""

    word: str
    start: float
    end: float
    probability: float


class Found(Protocol):
    """faster_whisper.transcribe.Segment; `text` keeps the space before its first word."""

    text: str
    start: float
    end: float
    tokens: Sequence[int]
    words: Sequence[FoundWord] | None
    avg_logprob: float
    no_speech_prob: float
    temperature: float | None
    language: str
    """Whisper's code."""


def as_segment(found: Found, duration: float, data: Callable[[int], bytes]) -> govor.Segment:
    """Return one segment unchanged, except that its times lie within `duration` seconds.

    `data` returns the bytes of a token.
    """
    return govor.Segment(
        text=found.text.strip(),
        start=_clip(found.start, duration),
        end=_clip(found.end, duration),
        words=None if found.words is None else _words(found.words, duration),
        tokens=tuple(govor.Token(token, data(token)) for token in found.tokens),
        language=_iso(found.language),
        avg_logprob=float(found.avg_logprob),
        no_speech_prob=float(found.no_speech_prob),
        temperature=found.temperature,
    )


def _iso(code: str) -> str:
    return WHISPER_TO_ISO.get(code, code)


def _words(found: Iterable[FoundWord], duration: float) -> tuple[govor.Word, ...]:
    return tuple(
        govor.Word(text, _clip(word.start, duration), _clip(word.end, duration), float(word.probability))
        for word in found
        if (text := word.word.strip())
    )


def _clip(seconds: float, duration: float) -> float:
    return round(min(float(seconds), duration), 3)
