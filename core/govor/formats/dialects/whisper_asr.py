"""The bodies of whisper-asr-webservice: those of Whisper's command line, but txt has paragraphs."""

from __future__ import annotations

from govor.contract.results import Transcript
from govor.formats.languages import language_name
from govor.formats.openai import dump_json, verbose_body
from govor.formats.rendering.formats import MEDIA_TYPES
from govor.formats.rendering.known_formats import Formats
from govor.formats.subtitles.layout import Layout
from govor.formats.timeline import place_segments, timed_words

OUTPUTS = ("txt", "vtt", "srt", "tsv", "json")
"""Values of `output` that whisper-asr-webservice has."""


def render(
    transcript: Transcript, output: str, *, words: bool, layout: Layout, formats: Formats, title: str = ""
) -> tuple[str | bytes, str]:
    """Return body and media type.

    `words` adds the words' times to the segments of json, `layout` applies to srt and vtt, `title` to formats
    of plugins. Raises FormatFailed.
    """
    if output == "json":
        return dump_json(result_body(transcript, words=words)) + "\n", MEDIA_TYPES["json"]
    return formats.render(
        transcript, output, words=words, segments=True, logprobs=False, layout=layout, title=title
    )


def result_body(transcript: Transcript, *, words: bool) -> dict[str, object]:
    """Return Whisper's result: the language is a code, and words are inside the segments."""
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
                for word in timed_words(placed.segment.words)
            ]
    return {"text": transcript.text, "segments": segments, "language": transcript.language or "unknown"}


def language_body(chances: dict[str, float]) -> dict[str, object]:
    """Return the likeliest language; empty if there is no speech."""
    if not chances:
        return {}
    code, chance = max(chances.items(), key=lambda item: item[1])
    return {"detected_language": language_name(code), "language_code": code, "confidence": round(chance, 4)}
