"""The bodies of whisper-asr-webservice: those of Whisper's command line, but txt has paragraphs."""

from __future__ import annotations

from govor.formats.languages import language_name
from govor.formats.layout import Layout
from govor.formats.openai import dump_json, verbose_body
from govor.formats.paragraphs import txt
from govor.formats.subtitles import srt, tsv, vtt
from govor.formats.timeline import place_segments
from govor.types import Transcript

MEDIA_TYPES = {
    "txt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "srt": "text/plain; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json",
}
"""Every `output`, and what its body is."""


def render(transcript: Transcript, output: str, *, words: bool, layout: Layout) -> tuple[str, str]:
    """Return body and media type.

    `words` shows the words' times inside the segments of json, `layout` matters to srt and vtt.
    """
    match output:
        case "srt":
            body = srt(transcript, layout)
        case "vtt":
            body = vtt(transcript, layout)
        case "tsv":
            body = tsv(transcript)
        case "json":
            body = dump_json(result_body(transcript, words=words)) + "\n"
        case _:
            body = txt(transcript)
    return body, MEDIA_TYPES[output]


def result_body(transcript: Transcript, *, words: bool) -> dict[str, object]:
    """Whisper's result: the language is a code, and words lie inside the segments."""
    whole = verbose_body(transcript, words=False, segments=True, codes=True)
    segments = whole["segments"]
    if words and isinstance(segments, list):
        for body, placed in zip(segments, place_segments(transcript), strict=True):
            body["words"] = [
                {
                    "word": word.text,
                    "start": round(word.start, 3),
                    "end": round(word.end, 3),
                    **({} if word.probability is None else {"probability": round(word.probability, 3)}),
                }
                for word in placed.segment.words or ()
            ]
    return {"text": transcript.text, "segments": segments, "language": transcript.language or "unknown"}


def language_body(chances: dict[str, float]) -> dict[str, object]:
    """The likeliest language; empty where nobody speaks."""
    if not chances:
        return {}
    code, chance = max(chances.items(), key=lambda item: item[1])
    return {"detected_language": language_name(code), "language_code": code, "confidence": round(chance, 4)}
