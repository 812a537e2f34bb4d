"""The table [plugins.diarizer] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class DiarizerSettings(BaseModel):
    """What an operator decides about telling speakers apart."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(
        0.45,
        gt=0,
        lt=1,
        description="How alike two voices of one speaker are at least (cosine); higher finds more speakers.",
    )
    known_threshold: float = Field(
        0.52, gt=0, lt=1, description="How alike a speaker is to a known one whose name it bears (cosine)."
    )


def read_settings(table: Mapping[str, Any]) -> DiarizerSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return DiarizerSettings.model_validate(dict(table))
