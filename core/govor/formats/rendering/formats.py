"""Render a Transcript as the body of a response: pure functions.

Knows nothing of HTTP frameworks, models or files.
"""

from __future__ import annotations

from govor.contract.results import Transcript
from govor.errors import InvalidParam
from govor.formats.diarized import diarized_body
from govor.formats.openai import dump_json, json_body, verbose_body
from govor.formats.rendering.paragraphs import txt
from govor.formats.subtitles.files import STANDARD, srt, tsv, vtt
from govor.formats.subtitles.layout import Layout
from govor.formats.text import text_body
from govor.plain import has_text

MEDIA_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "srt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "verbose_json": "application/json",
    "diarized_json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
}
"""Media type of each `response_format`."""

SUFFIXES = {
    "json": ".json",
    "text": ".txt",
    "srt": ".srt",
    "vtt": ".vtt",
    "verbose_json": ".json",
    "diarized_json": ".json",
    "txt": ".txt",
    "tsv": ".tsv",
}
"""Suffix of a file with each `response_format`."""

SPEAKERLESS_FORMATS = frozenset({"json"})
"""Formats that name no speakers."""

SUBTITLE_FORMATS = frozenset({"srt", "vtt"})
"""Formats with a layout; they are cut by the times of words."""


def render(
    transcript: Transcript,
    response_format: str,
    *,
    words: bool,
    segments: bool,
    logprobs: bool,
    codes: bool = False,
    times: bool = False,
    layout: Layout = STANDARD,
) -> tuple[str, str]:
    """Return body and media type of a format in MEDIA_TYPES. Raises InvalidParam if it needs speakers.

    `words`, `segments` and `codes` (the language is "ru", not "russian") apply to verbose_json, `logprobs`
    to json, `times` of paragraphs to txt, `layout` to srt and vtt; the other formats ignore them.
    """
    match response_format:
        case "json":
            body = dump_json(json_body(transcript, logprobs=logprobs))
        case "verbose_json":
            body = dump_json(verbose_body(transcript, words=words, segments=segments, codes=codes))
        case "diarized_json":
            if any(segment.speaker is None for segment in transcript.segments if has_text(segment.text)):
                raise InvalidParam("The transcript has no speakers.", param="response_format")
            body = dump_json(diarized_body(transcript))
        case "text":
            body = text_body(transcript)
        case "srt":
            body = srt(transcript, layout)
        case "vtt":
            body = vtt(transcript, layout)
        case "txt":
            body = txt(transcript, times=times)
        case _:
            body = tsv(transcript)
    return body, MEDIA_TYPES[response_format]
