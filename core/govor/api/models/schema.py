"""Bodies of the routes that manage models on the disk, as /openapi.json shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ModelBody(BaseModel):
    """A model that can answer now."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When its files were installed, in seconds since 1970.")
    owned_by: str
    backend: str
    status: Literal["available", "downloading", "installed", "loading", "loaded", "failed"]
    languages: list[str] = Field(description="ISO 639-1 codes; empty: any.")
    features: list[str]
    aliases: list[str]
    description: str
    reason: str | None = Field(None, description="Why loading, or fetching, failed.")
    path: str = Field("", description="The folder of its files; empty where it has none.")
    device: str | None = Field(None, description="Where it runs, while it is loaded.")
    precision: str | None = Field(None, description="What it computes with, while it is loaded.")
    loaded_at: float | None = Field(None, description="Since when it is loaded, in seconds since 1970.")
    memory: int | None = Field(None, description="Bytes that it takes in memory, while it is loaded.")
    task: Literal["automatic-speech-recognition"] = "automatic-speech-recognition"
    language: list[str] = Field(description="The same as languages.")
    loaded: bool
    name: str = Field(description="From here on gigastt's keys.")
    version: str
    encoder: Literal["fp32", "int8"]
    vocab_size: int = Field(description="0: unknown.")
    sample_rate: int
    pool_size: int = Field(description="Workers; 0 while it is not in memory.")
    pool_available: int = Field(description="Workers that are free.")
    supported_formats: list[str]
    supported_rates: list[int]
    diarization: bool


class ModelList(BaseModel):
    """OpenAI's list, go-whisper's, and beside them the default model's keys for clients of gigastt."""

    model_config = ConfigDict(extra="allow")

    object: Literal["list"] = "list"
    data: list[ModelBody]
    models: list[ModelBody] = Field(description="The same as data.")


class ResidentBody(BaseModel):
    """A model in memory, on its way in or out."""

    id: str
    status: Literal["loading", "loaded", "unloading"]
    backend: str
    device: str | None = None
    precision: str | None = None
    threads: int | None = Field(None, description="CPU threads of one call, as far as the plugin tells.")
    workers: int | None = Field(None, description="Calls at once.")
    memory: int | None = Field(None, description="Bytes.")
    measured: bool = Field(False, description="`memory` is measured, not estimated.")
    working: int = Field(
        0, description="Most bytes beyond `memory` while it worked, as measured; given back when it rests."
    )
    loaded_at: float | None = Field(None, description="Seconds since 1970, as all times here.")
    load_seconds: float | None = None
    used_at: float | None = None
    requests: int = Field(0, description="How many use it or wait for it.")
    ttl: float | None = Field(None, description="Seconds that it stays unused; -1: until the server stops.")
    expires_at: float | None = None
    pinned: bool = False


class MemoryBody(BaseModel):
    """Bytes."""

    budget: int | None = Field(description="What models may take together; null: no limit.")
    used: int = Field(description="What they take, and what is kept for those being loaded.")
    process: int | None = Field(description="What the whole server takes; null where the system is silent.")


class MemoryEvent(BaseModel):
    """Something that became of a model."""

    time: float
    event: Literal["loaded", "reloaded", "unloaded", "expired", "evicted", "failed"]
    model: str
    memory: int
    reason: str


class Residents(BaseModel):
    """What is in memory. `models` is what speaches answers."""

    models: list[str] = Field(description="The names they were asked for by, ids where nobody asked.")
    data: list[ResidentBody]
    memory: MemoryBody
    events: list[MemoryEvent] = Field(description="The last hundred, the newest last.")


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
