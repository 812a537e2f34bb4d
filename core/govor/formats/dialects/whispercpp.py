"""The bodies of whisper.cpp's server."""

from __future__ import annotations

import math

from govor.contract.results import Transcript
from govor.formats.languages import language_name
from govor.formats.openai import dump_json, token_ids
from govor.formats.subtitles.files import STANDARD, srt, vtt
from govor.formats.subtitles.layout import Layout
from govor.formats.timeline import TimedSegment, TimedWord, place_segments, timed_words

INFERENCE_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",  # whisper.cpp has text/html, in which a transcript could be a script
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "verbose_json": "application/json",
}
"""Media type of each `response_format`."""


def render(
    transcript: Transcript, response_format: str, *, times: bool, layout: Layout = STANDARD
) -> tuple[str, str]:
    """Return body and media type; without `times`, verbose_json has none."""
    match response_format:
        case "text":
            body = transcript.text + "\n"
        case "srt":
            body = srt(transcript, layout)
        case "vtt":
            body = vtt(transcript, layout)
        case "verbose_json":
            body = dump_json(verbose_body(transcript, times=times))
        case _:
            body = dump_json({"text": transcript.text})
    return body, INFERENCE_TYPES[response_format]


def verbose_body(transcript: Transcript, *, times: bool) -> dict[str, object]:
    """Words are inside the segments. Unknown values are absent, also probabilities of languages."""
    language = language_name(transcript.language) if transcript.language else None
    return {
        "task": transcript.task,
        "language": language or "unknown",
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [
            _segment(number, placed, times=times) for number, placed in enumerate(place_segments(transcript))
        ],
        **({"detected_language": language} if language else {}),
    }


def _segment(number: int, placed: TimedSegment, *, times: bool) -> dict[str, object]:
    segment = placed.segment
    body: dict[str, object] = {"id": number, "text": segment.text.strip()}
    if times:
        body |= {"start": round(placed.start, 3), "end": round(placed.end, 3)}
    body["tokens"] = token_ids(segment) or []
    body["words"] = [_word(word, times=times) for word in timed_words(segment.words)]
    for key in ("temperature", "avg_logprob", "no_speech_prob"):
        value = getattr(segment, key)
        if value is not None and math.isfinite(value):
            body[key] = float(value)
    return body


def _word(word: TimedWord, *, times: bool) -> dict[str, object]:
    body: dict[str, object] = {"word": word.text.strip()}
    if times:
        body |= {"start": round(word.start, 3), "end": round(word.end, 3), "t_dtw": -1}
    if word.probability is not None:
        body["probability"] = round(float(word.probability), 3)
    return body
