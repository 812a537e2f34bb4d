"""The table [subtitles]: how long lines and cues of srt and vtt may be."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Subtitles(BaseModel):
    """Limits of subtitles; a request may change those of lines. Read-only once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_line_width: int = Field(
        42, ge=10, le=1000, description="Most columns of a line; a Chinese character takes two."
    )
    max_line_count: int = Field(2, ge=1, le=10, description="Most lines of a cue.")
    max_words_per_line: int = Field(0, ge=0, le=100, description="Most words of a line. 0: no limit.")
    min_seconds: float = Field(
        1, ge=0, le=10, description="How long a cue is shown at least, if the next one does not begin before."
    )
    max_seconds: float = Field(7, ge=1, le=60, description="How long a cue is shown at most.")
    max_characters_per_second: float = Field(
        17,
        gt=0,
        le=1000,
        description="Reading speed: a long cue is shown longer, if the next one does not begin before.",
    )
