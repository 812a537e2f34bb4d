"""Renders a transcript in the requested format: one of OpenAI's, or go-whisper's object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from quart import Response

from govor.api.request.fields import Fields
from govor.contract.results import Notice, Transcript
from govor.formats.dialects.gowhisper import rich_body
from govor.formats.openai import dump_json
from govor.formats.rendering.formats import MEDIA_TYPES
from govor.formats.rendering.known_formats import Formats
from govor.requests.lines import asked_layout
from govor.settings import Settings

MODEL_HEADER = "x-govor-model"
IGNORED_HEADER = "x-govor-ignored"
IGNORED_ALIAS = "x-stt-ignored"

WARNINGS_HEADER = "x-govor-warnings"

Purpose = Literal["transcribe", "translate", "diarize"]


def name_ignored(response: Response, ignored: Sequence[str]) -> Response:
    """Name the fields that were not honoured in headers."""
    if ignored:
        response.headers[IGNORED_HEADER] = response.headers[IGNORED_ALIAS] = ", ".join(ignored)
    return response


def name_warnings(response: Response, notices: Sequence[Notice]) -> Response:
    """Name the codes of notices in a header."""
    if notices:
        response.headers[WARNINGS_HEADER] = ", ".join(notice.code for notice in notices)
    return response


def render_result(
    transcript: Transcript,
    fields: Fields,
    settings: Settings,
    formats: Formats,
    rich: Purpose | None = None,
    *,
    title: str = "",
) -> tuple[str | bytes, str]:
    """Return body and media type; with `rich`, `json` is go-whisper's object.

    `title` is the name of the recording's file, if it is known. Raises InvalidParam, FormatFailed.
    """
    if rich and fields.response_format == "json":
        return dump_json(rich_body(transcript, rich)) + "\n", MEDIA_TYPES["json"]
    only_words = set(fields.timestamp_granularities) == {"word"}
    body, media_type = formats.render(
        transcript,
        fields.response_format,
        words=fields.names_words,
        segments=settings.compat.always_segments or not only_words,
        logprobs=fields.wants_logprobs,
        codes=rich is not None or settings.compat.language == "code",
        times="segment" in fields.timestamp_granularities,
        layout=asked_layout(settings.subtitles, fields),
        title=title,
    )
    if isinstance(body, str) and fields.response_format in MEDIA_TYPES and not body.endswith("\n"):
        body += "\n"
    return body, media_type
