"""The field that names an audio track, of every route that takes a recording."""

from __future__ import annotations

from pydantic import BaseModel, Field

from govor.decoder.wire import LONGEST_TRACK, TrackSelection


class TrackFields(BaseModel):
    """Which of several tracks is heard."""

    track: str = Field(
        "",
        max_length=LONGEST_TRACK,
        description="Which audio track is heard: its number from 0, title or language; absent: one of "
        "`language`, the default one, one with sound (not in OpenAI's API).",
    )

    @property
    def selection(self) -> TrackSelection:
        """What of the recording is heard."""
        return TrackSelection(track=self.track.strip())
