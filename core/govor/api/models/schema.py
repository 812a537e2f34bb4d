"""Bodies of the routes for models, for /openapi.json."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """A body whose schema is built when it is first used: the terminal uses few of them."""

    model_config = ConfigDict(defer_build=True)


class VariantBody(Body):
    """A precision in which a model is offered."""

    precision: str = Field(description="The value of the setting `precision` that chooses it.")
    files: list[str] = Field(description="Names of its files; several variants may share them.")
    size: int | None = Field(description="Bytes of its files; null: not all are stated.")
    size_estimate: int | None = Field(description="Estimated bytes of its files; null: unknown.")
    memory_estimate: int | None = Field(description="Bytes in memory, estimated; null: unknown.")


class ModelBody(Body):
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
    path: str = Field("", description="The folder of its files; empty if it has none.")
    device: str | None = Field(None, description="Device on which it runs, while it is loaded.")
    precision: str | None = Field(None, description="Precision of its computation, while it is loaded.")
    variants: list[VariantBody] = Field(description="Precisions in which it is offered, the default first.")
    loaded_at: float | None = Field(None, description="When it was loaded, in seconds since 1970.")
    memory: int | None = Field(None, description="Bytes that it takes in memory, while it is loaded.")
    task: Literal[
        "automatic-speech-recognition",
        "speaker-diarization",
        "voice-activity-detection",
        "text2text-generation",
    ] = Field("automatic-speech-recognition", description="Its name on the hub.")
    language: list[str] = Field(description="The same as languages.")
    loaded: bool
    name: str = Field(description="This and the following keys are gigastt's.")
    version: str
    encoder: Literal["fp32", "int8"]
    vocab_size: int = Field(description="0: unknown.")
    sample_rate: int
    pool_size: int = Field(description="Workers; 0 while it is not in memory.")
    pool_available: int = Field(description="Workers that are free.")
    supported_formats: list[str]
    supported_rates: list[int]
    diarization: bool


class ModelList(Body):
    """The lists of OpenAI and go-whisper, and the default model's keys for clients of gigastt."""

    model_config = ConfigDict(extra="allow")

    object: Literal["list"] = "list"
    data: list[ModelBody]
    models: list[ModelBody] = Field(description="The same as data.")


class ResidentBody(Body):
    """A model in memory, or being loaded or unloaded."""

    id: str
    status: Literal["loading", "loaded", "unloading"]
    progress: float | None = Field(
        None, description="Share of its load or reload that is done, 0 to 1, if the plugin reports it."
    )
    stage: str = Field("", description="The step that this load is at, in the plugin's words.")
    backend: str
    device: str | None = None
    precision: str | None = None
    threads: int | None = Field(None, description="CPU threads of one call, if the plugin reports them.")
    workers: int | None = Field(None, description="Calls that run at once.")
    memory: int | None = Field(None, description="Bytes.")
    measured: bool = Field(False, description="`memory` is measured, not estimated.")
    working: int = Field(
        0, description="Most bytes beyond `memory` during its work, as measured; freed when it is idle."
    )
    loaded_at: float | None = Field(None, description="Seconds since 1970, as all times here.")
    load_seconds: float | None = None
    used_at: float | None = None
    requests: int = Field(0, description="Requests that use it or wait for it.")
    ttl: float | None = Field(None, description="Seconds that it stays unused; -1: until the server stops.")
    expires_at: float | None = None
    pinned: bool = False


class MemoryBody(Body):
    """Memory of models and of the process, in bytes."""

    budget: int | None = Field(description="Limit for all models together; null: there is none.")
    used: int = Field(description="Memory of loaded models, and memory reserved for those being loaded.")
    process: int | None = Field(
        description="Memory of the whole server; null if the system does not report it."
    )


class MemoryEvent(Body):
    """A change of a model in memory."""

    time: float
    event: Literal["loaded", "reloaded", "unloaded", "expired", "evicted", "failed"]
    model: str
    memory: int
    reason: str


class Residents(Body):
    """Models in memory. `models` is the key of speaches."""

    models: list[str] = Field(
        description="Names by which they were requested; the id of a model that was not."
    )
    data: list[ResidentBody]
    memory: MemoryBody
    events: list[MemoryEvent] = Field(description="The last hundred, the newest last.")


class ErrorRate(Body):
    """A word error rate as the model's publisher states it."""

    set: str = Field(description="Test set of the measurement.")
    wer: float = Field(description="Percent.")


class FileBody(Body):
    """One file of a model during its download."""

    name: str
    total: int = Field(description="Bytes; 0 if unknown.")
    completed: int


class ProgressBody(Body):
    """Progress of a download."""

    status: str
    total: int = Field(description="Bytes of all files; 0 if one is unknown.")
    completed: int
    files: list[FileBody] = []


class RegistryEntry(ModelBody):
    """A known model, installed or not."""

    state: Literal["available", "downloading", "installed", "loading", "loaded", "failed"]
    size: int | None = Field(description="Bytes of its files; null if unknown.")
    size_estimate: int | None = Field(
        None, description="Estimated bytes of all its files, if they are not stated; null: unknown."
    )
    memory_estimate: int | None = Field(description="Estimated bytes of memory when loaded; null: unknown.")
    tasks: list[str]
    licence: str
    error_rates: list[ErrorRate]
    progress: ProgressBody | None = Field(None, description="Present during its download.")


class Registry(Body):
    """All known models."""

    object: Literal["list"] = "list"
    data: list[RegistryEntry]


class PullRequest(Body):
    """The model to fetch, by one of four keys with the same meaning."""

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
        """Name of the model; "" if there is none. go-whisper sends the file's name, `ggml-base.bin`."""
        path = (self.path or "").removesuffix(".bin")
        return self.model or path or self.id or self.name or ""


class Deleted(Body):
    """OpenAI's answer; `note` is Govor's."""

    id: str
    object: Literal["model"] = "model"
    deleted: Literal[True] = True
    freed: int = Field(description="Bytes that were freed on disk.")
    note: str = Field("", description="Files that are still there, and why; empty if there are none.")


class FileReport(Body):
    """One file, compared with its hash at the time of download."""

    name: str
    state: Literal["ok", "damaged", "missing", "unchecked"]
    expected: str = Field(description="sha256; empty if unknown.")
    found: str = Field(description="sha256; empty if there is no file.")


class Verified(Body):
    """All files of a model."""

    id: str
    ok: bool
    files: list[FileReport]


class UsageBody(Body):
    """One model on the disk."""

    model: str
    own: int = Field(description="Bytes in the models folder only.")
    shared: int = Field(description="Bytes shared with the Hugging Face cache; the disk holds them once.")
    partial: int = Field(description="Bytes of an unfinished download, part of `own`.")


class UnusedBody(Body):
    """Something in the models folder that no model needs."""

    path: str
    size: int
    kind: Literal["partial", "file", "folder"]


class Storage(Body):
    """Disk space of the models folder."""

    folder: str
    free: int = Field(description="Free bytes on its disk.")
    models: list[UsageBody]
    unused: list[UnusedBody]


class Pruned(Body):
    """Deleted files and folders."""

    freed: int
    removed: list[UnusedBody]
