"""Bodies as /openapi.json shows them. Documentation of what the renderers write, and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from govor.api.request.fields import Fields
from govor.jobs.storage.records import Status


class TranscriptionForm(Fields):
    """multipart/form-data; array fields may be written with brackets, repeated, or as a comma list."""

    file: bytes | None = Field(
        None,
        description="The recording: any container and codec; its content decides, not its name. "
        "Required unless there is a `file_url`.",
        json_schema_extra={"type": "string", "format": "binary"},
    )


class ErrorDetail(BaseModel):
    """OpenAI's four keys."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail


class DurationUsage(BaseModel):
    """What was consumed: seconds of audio, rounded up."""

    type: Literal["duration"]
    seconds: float


class Transcription(BaseModel):
    """The `json` body; `verbose_json` adds task, language, duration, segments and words, and
    `warnings` where not all of the recording was heard."""

    text: str
    languages: list[dict[str, str]] | None = None
    logprobs: list[dict[str, Any]] | None = None
    usage: DurationUsage


class SpeakerTurn(BaseModel):
    """Somebody speaks."""

    id: int
    start: float
    end: float
    speaker: str = Field(description="A known name, or SPEAKER_00 and so on.")
    label: str = Field(description="The same speaker's name in diarized_json.")
    text: str | None = Field(None, description="What is said, with include_text.")


class SpeakerSummary(BaseModel):
    """How much somebody speaks."""

    id: str
    label: str
    total_speech_duration: float
    segment_count: int


class Diarization(BaseModel):
    """Who speaks when."""

    task: Literal["diarize"] = "diarize"
    duration: float = Field(description="Seconds of the recording.")
    num_speakers: int
    segments: list[SpeakerTurn]
    speakers: list[SpeakerSummary] | None = Field(None, description="With verbose_json.")


class JobProgress(BaseModel):
    """How far a job is."""

    seconds_done: float
    seconds_total: float | None = Field(
        description="As the recording states it, never less than is done; null: it does not."
    )
    seconds_diarized: float | None = Field(
        None, description="In which the speakers are told apart; there while that is done, before any text."
    )


class JobBody(BaseModel):
    """A transcription that goes on without its client. Times are seconds since 1970."""

    id: str
    object: Literal["transcription.job"] = "transcription.job"
    status: Status
    created_at: int
    started_at: int | None
    finished_at: int | None
    expires_at: int | None = Field(description="When it will be forgotten.")
    model: str
    progress: JobProgress
    error: ErrorDetail | None = Field(description="Why it failed.")
    result: Any = Field(None, description="What the same request without `background` would have answered.")


class JobList(BaseModel):
    """OpenAI's list, in pages."""

    object: Literal["list"] = "list"
    data: list[JobBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class JobRemoved(JobBody):
    """The job as it is, or was."""

    deleted: bool = Field(description="true: it is forgotten; false: it is cancelled.")


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


class PluginBody(BaseModel):
    """An installed plugin and what became of it."""

    name: str
    distribution: str
    version: str
    state: Literal["ready", "failed", "disabled"]
    reason: str = Field(description="Why it failed; empty otherwise.")
    hooks: list[str]
    models: list[str]


class PluginList(BaseModel):
    """All plugins, in order."""

    object: Literal["list"] = "list"
    data: list[PluginBody]


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"
    message: Literal["OK"] = "OK"
    version: str
    model: str | None = Field(description="Id of the default model.")
    device: str = Field(description="Where models run.")
    loaded: bool = Field(description="The default model is in memory.")
    model_loaded: bool = Field(description="The same.")
    models_loaded: list[str] = Field(description="Ids of all models in memory.")
    uptime_seconds: float
    transcriptions_processed: int


class Ping(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether a request without a `model` would be answered."""

    ready: bool
    status: Literal["ready", "not_ready"]
    reason: str | None = Field(None, description="What keeps it from being answered: a code.")
    message: str | None = Field(None, description="The same as a sentence.")
    jobs: str | None = Field(None, description="Why jobs are not worked on; absent while they are.")
    pool_available: int = Field(description="Workers of the default model that are free.")
    pool_total: int = Field(description="Workers of the default model; 0 while it is not in memory.")
