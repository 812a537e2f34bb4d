"""Fields that limit the lines of subtitles, under their names in Whisper's command line."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, Field

from govor.formats.subtitles.layout import Layout
from govor.settings.subtitles import Subtitles


class LineFields(BaseModel):
    """Limits in a form; None: as the settings say."""

    max_line_width: int | None = Field(
        None, ge=10, le=1000, description="srt and vtt: most columns of a line (not in OpenAI's API)."
    )
    max_line_count: int | None = Field(
        None, ge=1, le=10, description="srt and vtt: most lines of a cue (not in OpenAI's API)."
    )
    max_words_per_line: int | None = Field(
        None,
        ge=1,
        le=100,
        description="srt and vtt: most words of a line; without max_line_count each line is a cue (not in "
        "OpenAI's API).",
    )


class Lines(Protocol):
    """Limits that a client asks for, in any dialect."""

    @property
    def max_line_width(self) -> int | None: ...

    @property
    def max_line_count(self) -> int | None: ...

    @property
    def max_words_per_line(self) -> int | None: ...


def asked_layout(settings: Subtitles, asked: Lines) -> Layout:
    """Return the limits of subtitles: the client's, and the operator's for those that it does not set."""
    return layout(settings, asked.max_line_width, asked.max_line_count, asked.max_words_per_line)


def layout(
    settings: Subtitles, width: int | None = None, count: int | None = None, words: int | None = None
) -> Layout:
    """Return the limits of subtitles; if only the words of a line are limited, each line is a cue."""
    return Layout(
        max_line_width=width or settings.max_line_width,
        max_line_count=count or (1 if words else settings.max_line_count),
        max_words_per_line=words or settings.max_words_per_line,
        min_seconds=settings.min_seconds,
        max_seconds=settings.max_seconds,
        max_speed=settings.max_characters_per_second,
    )
