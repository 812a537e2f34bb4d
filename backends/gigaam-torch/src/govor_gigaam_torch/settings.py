"""The table [plugins.gigaam-torch] of plugins.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class ModelTable(BaseModel):
    """One [[plugins.gigaam-torch.models]]: a checkpoint of the operator's own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="What clients send as `model`.")
    folder: str = Field(min_length=1, description="Where its files lie.")
    checkpoint: str = Field(min_length=1, description="Name of the `.ckpt` file in the folder.")
    tokenizer: str = Field(
        "",
        description="Name of the SentencePiece `.model` file in the folder; empty: the model has characters.",
    )
    aliases: tuple[str, ...] = Field((), description="Other names that it answers to.")
    languages: tuple[str, ...] = Field(("ru",), description="ISO 639-1 codes of what it recognises.")
    punctuation: bool = Field(
        False, description="Whether it writes punctuation and capitals, as e2e models do."
    )
    description: str = Field("", description="What `govor models` says of it.")


class GigaAMTorchSettings(BaseModel):
    """What an operator decides about all these models. Values may be strings: the environment's are."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        "auto",
        description="Numbers that the encoder computes with. auto: fp16 on CUDA, fp32 elsewhere.",
    )
    threads: int = Field(
        0, ge=0, description="CPU threads of torch in a call; 0: as it chooses, within the cores for models."
    )
    max_symbols: int = Field(
        10, ge=1, description="Most tokens that an RNN-T model may write at one frame of 40 ms."
    )
    implementation: Literal["govor", "upstream"] = Field(
        "govor",
        description="Whose code runs the model: Govor's own, or that of the package `gigaam`, which you then "
        "install yourself. Upstream's gives text only, no words and no log-probabilities.",
    )
    models: tuple[ModelTable, ...] = Field(
        (), description="Checkpoints of your own, such as fine-tuned ones."
    )


def read_settings(table: Mapping[str, Any]) -> GigaAMTorchSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return GigaAMTorchSettings.model_validate(dict(table))
