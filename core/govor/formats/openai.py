"""The JSON bodies of the OpenAI audio API."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from govor.contract.results import Segment, Token, Transcript
from govor.errors import GovorError
from govor.formats.languages import language_name
from govor.formats.timeline import TimedSegment, TimedWord, place_segments, timed_words
from govor.plain import has_text

_LOWEST_LOGPROB = -9999.0  # what OpenAI writes for a token of no probability


def json_body(transcript: Transcript, *, logprobs: bool) -> dict[str, object]:
    """Return the body of `response_format=json`, with log-probabilities only if all text has them."""
    return {
        "text": transcript.text,
        **detected(transcript),
        **(token_logprobs(transcript) if logprobs else {}),
        "usage": usage(transcript),
    }


def warnings(transcript: Transcript) -> dict[str, object]:
    """Return the key `warnings` with the notices; no key if there are none."""
    notices = [
        {name: value for name, value in asdict(notice).items() if value is not None}
        for notice in transcript.notices
    ]
    return {"warnings": notices} if notices else {}


def verbose_body(
    transcript: Transcript, *, words: bool, segments: bool, codes: bool = False
) -> dict[str, object]:
    """Return the body of `response_format=verbose_json`.

    `language` is the text's language, as OpenAI names it, or with `codes` its code. `words` is empty if the
    model has no word times.
    """
    code = "en" if transcript.task == "translate" else transcript.language
    body: dict[str, object] = {
        "task": transcript.task,
        "language": (code if codes else language_name(code)) if code else "unknown",
        "language_code": code,
        "duration": seconds(transcript.duration),
        "text": transcript.text,
    }
    if words:
        body["words"] = [_word(word) for word in _spoken_words(transcript.segments)]
    if segments:
        body["segments"] = [
            _segment(number, placed) for number, placed in enumerate(place_segments(transcript))
        ]
    body["model"] = transcript.model
    body["usage"] = usage(transcript)
    return {**body, **warnings(transcript)}


def error_body(error: GovorError) -> dict[str, object]:
    """Return the value of the key `error`: always all four keys."""
    return {"message": str(error), "type": error.type, "param": error.param, "code": error.code}


def detected(transcript: Transcript) -> dict[str, object]:
    """Return the key `languages`, the main one first: empty in silence; no key if the model cannot tell."""
    spoken = (segment.language for segment in transcript.segments)
    codes = dict.fromkeys(code for code in (transcript.language, *spoken) if code)
    return {"languages": [{"code": code} for code in codes]} if codes or not transcript.text else {}


def token_logprobs(transcript: Transcript) -> dict[str, object]:
    """Return the key `logprobs`; no key if those of a segment with text are unknown."""
    spoken = [reported_tokens(segment) for segment in transcript.segments if has_text(segment.text)]
    known = [tokens for tokens in spoken if tokens is not None]
    if len(known) < len(spoken):
        return {}
    return {"logprobs": render_tokens(token for tokens in known for token in tokens)}


def render_tokens(tokens: Iterable[Token]) -> list[dict[str, object]]:
    """Return the items of a `logprobs` array."""
    return [
        {
            "token": token.text,
            "logprob": max(_LOWEST_LOGPROB, float(token.logprob)),  # -inf and NaN are not valid JSON
            "bytes": list(token.data),
        }
        for token in tokens
        if token.logprob is not None
    ]


def reported_tokens(segment: Segment) -> list[Token] | None:
    """Return the tokens with known log-probability, without the spaces before the text; None: all unknown.

    A token of one such space becomes empty.
    """
    if segment.tokens is None or (segment.tokens and all(each.logprob is None for each in segment.tokens)):
        return None
    found: list[Token] = []
    begun = False
    for token in segment.tokens:
        data = token.data if begun else token.data.lstrip()
        begun = begun or bool(data)
        if token.logprob is not None:
            found.append(Token(token.id, data, token.logprob))
    return found


def token_ids(segment: Segment) -> list[int] | None:
    """Return the ids of the tokens; None: they are unknown."""
    ids = [token.id for token in segment.tokens or ()]
    known = [number for number in ids if number is not None]
    return None if segment.tokens is None or len(known) < len(ids) else known


def dump_json(body: Mapping[str, object] | Sequence[object]) -> str:
    """Return compact JSON in one line. Raises ValueError for a number that JSON does not have."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def usage(transcript: Transcript) -> dict[str, object]:
    return {"type": "duration", "seconds": math.ceil(seconds(transcript.duration))}


def _spoken_words(segments: Sequence[Segment]) -> list[TimedWord]:
    """Return all words; if speakers overlap, in order of time."""
    words = [word for segment in segments for word in timed_words(segment.words)]
    several = len({segment.speaker for segment in segments}) > 1
    return sorted(words, key=lambda word: word.start) if several else words


def _word(word: TimedWord) -> dict[str, object]:
    body: dict[str, object] = {
        "word": word.text.strip(),
        "start": seconds(word.start),
        "end": seconds(word.end),
    }
    if word.probability is not None:
        body["probability"] = _number(word.probability)
    return body


def _segment(number: int, placed: TimedSegment) -> dict[str, object]:
    """Return a segment with all ten keys of Whisper: clients index them, and drop segments by thresholds that
    0.0 passes. It has the speaker too, if known.
    """
    segment = placed.segment
    text = segment.text.strip()
    return {
        "id": number,
        "seek": 0,
        "start": seconds(placed.start),
        "end": seconds(placed.end),
        "text": text,
        "tokens": token_ids(segment) or [],
        "temperature": _number(segment.temperature),
        "avg_logprob": _number(segment.avg_logprob),
        "compression_ratio": _compression_ratio(text),
        "no_speech_prob": _number(segment.no_speech_prob),
        **({"speaker": segment.speaker} if segment.speaker is not None else {}),
    }


def known_of(segment: Segment) -> dict[str, object]:
    """Return the known values of a segment besides its text and times; unknown ones have no key."""
    known: dict[str, object] = {}
    if segment.words is not None:
        known["words"] = [_word(word) for word in timed_words(segment.words)]
    ids = token_ids(segment)
    if ids is not None:
        known["tokens"] = ids
    for name in ("temperature", "avg_logprob", "no_speech_prob"):
        value = getattr(segment, name)
        if value is not None and math.isfinite(value):
            known[name] = float(value)
    for name in ("language", "speaker"):
        if getattr(segment, name) is not None:
            known[name] = getattr(segment, name)
    return known


def _compression_ratio(text: str) -> float:
    """Return the bytes of text per byte of its zlib form: high if a model repeats itself. As in Whisper."""
    data = text.encode()
    return round(len(data) / len(zlib.compress(data)), 3)


def seconds(value: float) -> float:
    """Round to milliseconds: no model is more exact, and 0.1 + 0.2 must not show."""
    return round(float(value), 3)


def _number(value: float | None) -> float:
    """Return 0.0 for an unknown value, and for one that JSON cannot express."""
    return float(value) if value is not None and math.isfinite(value) else 0.0
