"""A transcript as the client asked for it."""

from __future__ import annotations

from govor.api.fields import Fields
from govor.formats import render
from govor.types import Transcript

MODEL_HEADER = "x-govor-model"
IGNORED_HEADER = "x-govor-ignored"


def render_result(transcript: Transcript, fields: Fields) -> tuple[str, str]:
    """Return body and media type. Raises InvalidParam."""
    words = "word" in fields.timestamp_granularities
    segments = not fields.timestamp_granularities or "segment" in fields.timestamp_granularities
    body, media_type = render(
        transcript, fields.response_format, words=words, segments=segments, logprobs=fields.wants_logprobs
    )
    return body if body.endswith("\n") else body + "\n", media_type
