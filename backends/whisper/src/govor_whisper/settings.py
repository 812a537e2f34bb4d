"""The table [plugins.whisper] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

NumberType = Literal[
    "auto",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
]


class WhisperSettings(BaseModel):
    """The operator's settings of every Whisper model. Values may be strings, as in the environment."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    compute_type: NumberType = Field(
        "auto", description="Precision. auto: int8 on a CPU, float16 on a GPU that supports it."
    )
    beam_size: int = Field(
        5, ge=1, description="Beams of the search at temperature 0. 1 is greedy: faster, a little worse."
    )
    cpu_threads: int = Field(
        0, ge=0, description="Threads of each worker on a CPU; 0 divides the cores this process may use."
    )
    workers: int = Field(
        0,
        ge=0,
        description="Calls that run at once on one loaded model. The weights are held once. "
        "0: two of tiny and base on a CPU with two cores or more, else one.",
    )
    temperature_fallback: bool = Field(
        True,
        description="Decode a window again at a higher temperature, in steps of 0.2 up to 1, if its text "
        "loops or is improbable. Draws at random, so two runs can differ. False: one temperature only.",
    )
    long_audio: Literal["auto", "sequential", "batched"] = Field(
        "auto",
        description="How audio over 30 s is decoded. sequential: window after window, each where the last "
        "one ended. batched: cut in pauses, several windows at a time, each on its own, and again if it "
        "has a bad result. auto: sequential.",
    )
    batch_size: int = Field(
        0, ge=0, description="Windows decoded at a time if batched; 0: 4 on a CPU, 8 on a GPU."
    )
    condition_on_previous_text: bool = Field(
        True,
        description="Give each window the text before it, if sequential: steadier names and style, rarely "
        "a loop.",
    )
    max_stretch_seconds: float = Field(
        300,
        ge=1,
        description="Longest speech the model windows in one go, in seconds; more is split before. A second "
        "takes 0.3 MB while it is prepared and 0.1 MB while it is decoded.",
    )


def read_settings(table: Mapping[str, Any]) -> WhisperSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return WhisperSettings.model_validate(dict(table))
