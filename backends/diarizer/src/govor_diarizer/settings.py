"""The table [plugins.diarizer] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class DiarizerSettings(BaseModel):
    """The operator's settings of the diarizer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(
        0.45,
        gt=0,
        lt=1,
        description="Least cosine of two voices of one speaker; higher finds more speakers.",
    )
    known_threshold: float = Field(
        0.52, gt=0, lt=1, description="Least cosine of a speaker and the known one whose name it gets."
    )


def read_settings(table: Mapping[str, Any]) -> DiarizerSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return DiarizerSettings.model_validate(dict(table))
