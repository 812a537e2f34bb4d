"""The table [plugins.transformers] of plugins.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Family = Literal["", "whisper", "sequence", "ctc", "voxtral"]


class ModelTable(BaseModel):
    """One [[plugins.transformers.models]]: a repository of the hub, or a folder."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="The name that clients send as `model`.")
    repository: str = Field("", pattern=r"^$|^[\w.-]+/[\w.-]+$", description="OWNER/REPO on the hub.")
    revision: str = Field(
        "main",
        pattern=r"^[^/\s@]+$",
        description="Branch, tag or commit of the repository. If it moves, the commit of the first "
        "pull is kept.",
    )
    folder: str = Field("", description="A folder of this machine that is used as it is.")
    files: tuple[str, ...] = Field(
        (), description="Files of the repository to use. Default: those that the model needs."
    )
    family: Family = Field(
        "", description="whisper, sequence, ctc or voxtral; default: as the name of the repository suggests."
    )
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes of its languages.")
    adapters: dict[str, str] = Field(
        {}, description='MMS: adapter by language, such as {ru = "rus"}. The first is the default.'
    )
    features: tuple[str, ...] = Field((), description="Its features. Default: those of the family.")
    aliases: tuple[str, ...] = Field((), description="Other names of the model.")
    description: str = Field("", description="Its description in `govor models`.")
    licence: str = Field("", description="The licence of its weights.")
    trust_remote_code: bool = Field(
        False,
        description="Run the Python code that comes with this model. It may do whatever the server may do. "
        "Needs a folder, or a commit and all files by name.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.repository) == bool(self.folder):
            raise ValueError(f"'{self.id}' needs either repository or folder")
        if self.files and not self.repository:
            raise ValueError(f"'{self.id}' has files, which belong to a repository")
        if self.trust_remote_code and self.repository:
            if not re.fullmatch(r"[0-9a-f]{40}", self.revision):
                raise ValueError(
                    f"'{self.id}' may run code: its revision must be the commit (40 hex digits) that you read"
                )
            if not self.files:
                raise ValueError(f"'{self.id}' may run code: name all its files, the code among them")
        return self


class TransformersSettings(BaseModel):
    """The operator's settings of all these models. Values may be strings, as in the environment."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        "auto",
        description="Precision. auto: on a GPU fp16, Voxtral bf16; on a CPU fp32.",
    )
    threads: int = Field(
        0, ge=0, description="CPU threads of torch in a call; 0: as it chooses, within the cores for models."
    )
    batch_size: int = Field(
        0, ge=0, description="Arrays in one call on a GPU; 0: 16, of CTC models 32, of Voxtral 8."
    )
    models: tuple[ModelTable, ...] = Field((), description="Models of your own.")


def read_settings(table: Mapping[str, Any]) -> TransformersSettings:
    """Check the table. Raises ValidationError, which the core explains to the operator."""
    return TransformersSettings.model_validate(dict(table))
