"""Bodies of the routes that manage models on the disk, as /openapi.json shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from govor.api.schema import ModelBody


class ErrorRate(BaseModel):
    """A word error rate as the model's publisher states it."""

    set: str = Field(description="What it was measured on.")
    wer: float = Field(description="Percent.")


class FileBody(BaseModel):
    """One file of a model on its way to disk."""

    name: str
    total: int = Field(description="Bytes; 0 where nobody states them.")
    completed: int


class ProgressBody(BaseModel):
    """How far a download has come."""

    status: str
    total: int = Field(description="Bytes of all files; 0 where one is unknown.")
    completed: int
    files: list[FileBody] = []


class RegistryEntry(ModelBody):
    """A model that is known here, installed or not."""

    state: Literal["available", "downloading", "installed", "loading", "loaded", "failed"]
    size: int | None = Field(description="Bytes of its files; null where nobody states them.")
    size_estimate: int | None = Field(
        None, description="Bytes of all its files, estimated, where they are not stated; null: unknown."
    )
    memory_estimate: int | None = Field(description="Bytes when loaded, estimated; null: unknown.")
    tasks: list[str]
    licence: str
    error_rates: list[ErrorRate]
    progress: ProgressBody | None = Field(None, description="While it is being fetched.")


class Registry(BaseModel):
    """Every model that is known here."""

    object: Literal["list"] = "list"
    data: list[RegistryEntry]


class PullRequest(BaseModel):
    """Which model to fetch: one of the four keys, which mean the same."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [key], "properties": {key: {"type": "string", "minLength": 1}}}
                for key in ("model", "path", "id", "name")
            ],
            "examples": [{"model": "whisper-base"}],
        }
    )

    model: str | None = None
    path: str | None = None
    id: str | None = None
    name: str | None = None
    stream: bool | None = Field(None, description="Send progress as server-sent events.")

    @property
    def wanted(self) -> str:
        """The model that is named; "" where none is. go-whisper names the file, `ggml-base.bin`."""
        path = (self.path or "").removesuffix(".bin")
        return self.model or path or self.id or self.name or ""


class Deleted(BaseModel):
    """OpenAI's answer; `note` is Govor's."""

    id: str
    object: Literal["model"] = "model"
    deleted: Literal[True] = True
    freed: int = Field(description="Bytes that the disk has back.")
    note: str = Field("", description="What is still there, and why; empty where nothing is.")


class FileReport(BaseModel):
    """One file, compared with what it was when it was fetched."""

    name: str
    state: Literal["ok", "damaged", "missing", "unchecked"]
    expected: str = Field(description="sha256; empty where none is known.")
    found: str = Field(description="sha256; empty where there is no file.")


class Verified(BaseModel):
    """All files of a model."""

    id: str
    ok: bool
    files: list[FileReport]
