"""Bodies of probes and of the list of plugins, for /openapi.json."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class PluginBody(BaseModel):
    """An installed plugin and its state."""

    name: str
    distribution: str
    version: str
    state: Literal["ready", "failed", "disabled"]
    reason: str = Field(description="Why it failed; empty otherwise.")
    hooks: list[str]
    models: list[str]
    formats: list[str] = Field(description="Response formats that it adds.")


class PluginList(BaseModel):
    """All plugins, in order."""

    object: Literal["list"] = "list"
    data: list[PluginBody]


class Health(BaseModel):
    """Liveness of the process, with its models and uptime."""

    status: Literal["ok"] = "ok"
    message: Literal["OK"] = "OK"
    version: str
    model: str | None = Field(description="Id of the default model.")
    device: str = Field(description="Device on which models run.")
    loaded: bool = Field(description="Whether the default model is in memory.")
    model_loaded: bool = Field(description="The same.")
    models_loaded: list[str] = Field(description="Ids of all models in memory.")
    uptime_seconds: float
    transcriptions_processed: int


class Ping(BaseModel):
    """Liveness of the process."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Readiness: whether a request without a `model` would be answered."""

    ready: bool
    status: Literal["ready", "not_ready"]
    reason: str | None = Field(None, description="Code of the reason why it would not be answered.")
    message: str | None = Field(None, description="The reason as a sentence.")
    jobs: str | None = Field(None, description="Why jobs are not worked on; absent while they are.")
    pool_available: int = Field(description="Workers of the default model that are free.")
    pool_total: int = Field(description="Workers of the default model; 0 while it is not in memory.")
