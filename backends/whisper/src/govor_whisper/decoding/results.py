"""Convert faster-whisper's results to Govor's Segments.

Times are clipped to the recording: Whisper gets windows padded to 30 s, and its times may lie beyond the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
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


def as_segment(found: Found, duration: float) -> govor.Segment:
    """Return one segment unchanged, except that its times lie within `duration` seconds."""
    return govor.Segment(
        text=found.text.strip(),
        start=_clip(found.start, duration),
        end=_clip(found.end, duration),
        words=None if found.words is None else _words(found.words, duration),
        token_ids=tuple(found.tokens),
        language=_iso(found.language),
        avg_logprob=float(found.avg_logprob),
        no_speech_prob=float(found.no_speech_prob),
        temperature=found.temperature,
    )


def merge(parts: Sequence[Found], duration: float, words: bool) -> govor.Segment:
    """Return one segment of all parts, joined as the model wrote them; without parts, one of silence.

    avg_logprob is the mean over tokens, no_speech_prob that of the surest part, temperature the highest used,
    language that of the part with most text.
    """
    if not parts:
        return govor.Segment("", words=() if words else None)
    tokens = sum(len(part.tokens) for part in parts)
    found = chain.from_iterable(part.words or () for part in parts)
    return govor.Segment(
        text="".join(part.text for part in parts).strip(),
        start=_clip(parts[0].start, duration),
        end=_clip(parts[-1].end, duration),
        words=_words(found, duration) if words else None,
        token_ids=tuple(chain.from_iterable(part.tokens for part in parts)),
        language=_iso(max(parts, key=lambda part: len(part.tokens)).language),
        avg_logprob=float(sum(part.avg_logprob * len(part.tokens) for part in parts) / tokens),
        no_speech_prob=float(min(part.no_speech_prob for part in parts)),
        temperature=max((part.temperature for part in parts if part.temperature is not None), default=None),
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
