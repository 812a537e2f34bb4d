"""The table `[plugins.silero]` of plugins.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from govor_silero.catalogue import PACKAGED


class Settings(BaseModel):
    """The plugin's table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: str = Field(
        default="auto",
        description="Source of the weights: an installed distribution ('faster-whisper' or "
        "'silero-vad'), the first of the two that is there ('auto'), or the path of an .onnx file.",
    )

    @field_validator("weights")
    @classmethod
    def _known(cls, weights: str) -> str:
        choices = ("auto", *PACKAGED)
        if weights not in choices and not weights.endswith(".onnx"):
            raise ValueError(f"neither one of {', '.join(choices)} nor the path of an .onnx file")
        return weights
