"""The field that names an audio track, common to all routes that take a recording."""

from __future__ import annotations

from pydantic import BaseModel, Field

from govor.decoder.wire import LONGEST_TRACK, TrackSelection


class TrackFields(BaseModel):
    """The field that selects one of several tracks."""

    track: str = Field(
        "",
        max_length=LONGEST_TRACK,
        description="Audio track to use: its number from 0, title or language; absent: one of "
        "`language`, the default one, one with sound (not in OpenAI's API).",
    )

    @property
    def selection(self) -> TrackSelection:
        """The selected track as the decoder takes it."""
        return TrackSelection(track=self.track.strip())
