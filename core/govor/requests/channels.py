"""Separate channels: the fields that ask for them, and the settings for clients that do not say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue, StringConstraints

from govor.engine.service import Service
from govor.engine.transcription.channels import MOST_CHANNELS, NAMES, SeparateChannels
from govor.errors import InvalidParam, ModelNotFound, ModelNotInstalled, UnsupportedOperation
from govor.models.catalogue import Model
from govor.settings import Settings

LONGEST_NAME = 100

ChannelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)]


NAME_SCHEMA: dict[str, JsonValue] = {
    "type": "string",
    "maxLength": LONGEST_NAME,
    "pattern": r"^[^\s,]([^,]*[^\s,])?$",
}
"""A channel's name as clients may send it: in a form, commas separate names."""


class ChannelFields(BaseModel):
    """Fields that say how the channels of a recording are treated."""

    channels: Literal["", "mixed", "separate"] = Field(
        "",
        description="separate: one speaker per channel, each transcribed apart (not in OpenAI's API). A "
        "number: how many channels headerless audio has. Empty: as the settings say.",
    )
    channel_names: list[ChannelName] = Field(
        [],
        max_length=MOST_CHANNELS,
        description="Names of separate channels, in their order.",
        json_schema_extra={"uniqueItems": True, "items": NAME_SCHEMA},
    )

    def check_channels(self) -> None:
        """Refuse two channels of one name. Raises InvalidParam."""
        if len(set(self.channel_names)) < len(self.channel_names):
            raise InvalidParam("Two channels have the same name.", param=NAMES)


def separate_channels(settings: Settings, fields: ChannelFields | None = None) -> SeparateChannels | None:
    """Return how channels are separated; None: they are mixed. The client's fields override the settings."""
    how = (fields.channels if fields else "") or settings.channels
    names = tuple(fields.channel_names if fields else ()) or settings.channel_names
    return SeparateChannels(names) if how == "separate" else None


def find_diarizer(
    service: Service, apart: SeparateChannels | None, wanting: str | None = None
) -> Model | None:
    """Return the diarizer; None: there is none, and separate channels need one for mono recordings only.

    `wanting` names the field that asks for speakers. Without `apart`, a missing diarizer raises
    UnsupportedOperation, ModelNotFound or ModelNotInstalled.
    """
    try:
        return service.router.diarizer(wanting)
    except (UnsupportedOperation, ModelNotFound, ModelNotInstalled):
        if apart is None:
            raise
        return None
