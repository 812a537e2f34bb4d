"""The table [plugins.gigaam-onnx] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["auto", "fp32", "int8", "original"]

PUBLISHED_INT8 = "original-int8"
"""The precision [models.ID] of the publisher's int8 files; unlike the others it chooses the files too."""


class ModelTable(BaseModel):
    """One of [[plugins.gigaam-onnx.models]]: a model of the operator's, or settings of a known one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="The name that clients send as `model`.")
    folder: Path | None = Field(
        None,
        description="Folder of its files, named as in the public exports. Without it the table is about the "
        "plugin's own model of this id, and only its precision counts.",
    )
    languages: tuple[str, ...] = Field(("ru",), description="ISO 639-1 codes of its languages.")
    aliases: tuple[str, ...] = Field((), description="Its other names.")
    punctuation: bool = Field(False, description="Whether it writes punctuation and capitals.")
    precision: Precision | None = Field(None, description="As the plugin's, for this model.")


class GigaamSettings(BaseModel):
    """The operator's settings of the GigaAM models."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    precision: Precision = Field(
        "auto",
        description="Precision on a CPU. int8 and fp32 rewrite the encoder at the first load and "
        "keep the result beside it; original runs the file as it is; auto is int8.",
    )
    threads: int = Field(
        0, ge=0, description="Calls at once on one loaded model, a core each; 0: as many as there are cores."
    )
    max_symbols: int = Field(
        10,
        ge=1,
        description="Most tokens that an RNN-T may write at one frame of 40 ms; upstream's torch code: 10.",
    )
    models: tuple[ModelTable, ...] = Field((), description="Models of your own, and settings of known ones.")

    def precision_of(self, model: str) -> Precision:
        """Return the precision of this model."""
        requested = {table.id: table.precision for table in self.models}
        return requested.get(model) or self.precision


def read_settings(table: Mapping[str, Any]) -> GigaamSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return GigaamSettings.model_validate(dict(table))
