"""The operator's own models: the tables [[catalogue]] of plugins.toml."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import ClassVar, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from govor.contract.models import Feature


class Address(BaseModel):
    """One file at an http or https address."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[^/]+/.+", description="Where the file is: http or https.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Hex digest of the file.")
    name: str = Field("", description="Its name in the model's folder. Default: as in the address.")

    @property
    def file_name(self) -> str:
        """The name given, else the last part of the address."""
        return self.name or PurePosixPath(unquote(urlsplit(self.url).path)).name


class OwnModel(BaseModel):
    """One model: the source of its files, and the plugin that runs it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="The name that clients send as `model`.")
    plugin: str = Field(min_length=1, description="The plugin that runs it.")
    repository: str = Field(
        "",
        pattern=r"^$|^[\w.-]+/[\w.-]+(@[^/\s]+)?$",
        description="OWNER/REPO or OWNER/REPO@REVISION on the Hugging Face hub.",
    )
    files: tuple[str, ...] = Field(
        (), description="Of a repository: these files only. Default: the plugin's choice."
    )
    folder: Path | None = Field(None, description="A folder of this machine that is used as it is.")
    urls: tuple[Address, ...] = Field((), description="Files at plain addresses, each with its sha256.")
    aliases: tuple[str, ...] = Field((), description="Its other names.")
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes. Default: the plugin's.")
    features: tuple[Feature, ...] = Field((), description="Its features. Default: the plugin's.")
    description: str = Field("your own", description="One line for lists.")
    licence: str = Field("", description="The licence of its weights.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [name for name in ("repository", "folder", "urls") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"'{self.id}' needs one of repository, folder and urls, and has {len(given)}")
        if self.files and not self.repository:
            raise ValueError(f"'{self.id}' has files, which belong to a repository")
        return self
