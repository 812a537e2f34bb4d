"""Channels that are heard apart: the fields that ask for it, and the settings where a client does not."""

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
"""A name as clients may send it: in a form a comma stands between two."""


class ChannelFields(BaseModel):
    """What becomes of the channels of a recording."""

    channels: Literal["", "mixed", "separate"] = Field(
        "",
        description="separate: one party per channel, each transcribed apart (not in OpenAI's API). A "
        "number: how many channels sound without a header has. Empty: as the settings say.",
    )
    channel_names: list[ChannelName] = Field(
        [],
        max_length=MOST_CHANNELS,
        description="What separate channels are called, in their order.",
        json_schema_extra={"uniqueItems": True, "items": NAME_SCHEMA},
    )

    def check_channels(self) -> None:
        """Refuse two channels of one name. Raises InvalidParam."""
        if len(set(self.channel_names)) < len(self.channel_names):
            raise InvalidParam("Two channels have the same name.", param=NAMES)


def wanted_parties(settings: Settings, fields: ChannelFields | None = None) -> SeparateChannels | None:
    """Return how channels are heard apart; None: they are mixed. The operator says what a client does not."""
    how = (fields.channels if fields else "") or settings.channels
    names = tuple(fields.channel_names if fields else ()) or settings.channel_names
    return SeparateChannels(names) if how == "separate" else None


def find_diarizer(
    service: Service, parties: SeparateChannels | None, wanting: str | None = None
) -> Model | None:
    """Return what tells speakers apart; `parties` need it for mono recordings only, and do without.

    Raises UnsupportedOperation, ModelNotFound, ModelNotInstalled.
    """
    try:
        return service.router.diarizer(wanting)
    except (UnsupportedOperation, ModelNotFound, ModelNotInstalled):
        if parties is None:
            raise
        return None
