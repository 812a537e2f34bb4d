"""The table [plugins.wyoming] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class WyomingSettings(BaseModel):
    """The operator's settings. Values may be strings, as in the environment."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0: every one of this machine."
    )
    port: int = Field(10_300, ge=0, le=65_535, description="TCP port; 0: any that is free.")
    model: str = Field(
        "auto",
        description="Model of clients that name none: an id, an alias, or auto: the first default model that "
        "knows the client's language.",
    )
    max_seconds: float = Field(
        300,
        gt=0,
        description="Longest recording, in seconds; a longer one is refused as soon as it exceeds that.",
    )
    max_clients: int = Field(32, ge=1, description="Most connections at once; further ones are refused.")


def read_settings(table: Mapping[str, Any]) -> WyomingSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return WyomingSettings.model_validate(dict(table))
