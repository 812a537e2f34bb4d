"""The table [plugins.gigaam-torch] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class ModelTable(BaseModel):
    """One [[plugins.gigaam-torch.models]]: a checkpoint of the operator's own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="The name that clients send as `model`.")
    folder: str = Field(min_length=1, description="Folder of its files.")
    checkpoint: str = Field(min_length=1, description="Name of the `.ckpt` file in the folder.")
    tokenizer: str = Field(
        "",
        description="Name of the SentencePiece `.model` file in the folder; empty: the model has characters.",
    )
    aliases: tuple[str, ...] = Field((), description="Other names of the model.")
    languages: tuple[str, ...] = Field(("ru",), description="ISO 639-1 codes of its languages.")
    punctuation: bool = Field(
        False, description="Whether it writes punctuation and capitals, as e2e models do."
    )
    description: str = Field("", description="Its description in `govor models`.")


class GigaAMTorchSettings(BaseModel):
    """The operator's settings of all these models. Values may be strings, as in the environment."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        "auto",
        description="Precision of the encoder. auto: fp16 on CUDA, fp32 elsewhere.",
    )
    threads: int = Field(
        0, ge=0, description="CPU threads of torch in a call; 0: as it chooses, within the cores for models."
    )
    max_symbols: int = Field(
        10, ge=1, description="Most tokens that an RNN-T model may write at one frame of 40 ms."
    )
    implementation: Literal["govor", "upstream"] = Field(
        "govor",
        description="The code that runs the model: Govor's own, or that of the package `gigaam`, which you "
        "then install yourself. Upstream's gives text only, no words and no log-probabilities.",
    )
    models: tuple[ModelTable, ...] = Field(
        (), description="Checkpoints of your own, such as fine-tuned ones."
    )


def read_settings(table: Mapping[str, Any]) -> GigaAMTorchSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return GigaAMTorchSettings.model_validate(dict(table))
