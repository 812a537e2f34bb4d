"""Queries of routes, as /openapi.json shows them and as some are read."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from govor.api.request.fields import OptionalLanguage


class ForceQuery(BaseModel):
    """Whether work under way is ended."""

    force: bool = Field(False, description="Also where it is in use; its work ends.")


class StreamQuery(BaseModel):
    """Whether progress is told."""

    stream: bool = Field(False, description="Answer with named server-sent events.")


class TaskQuery(BaseModel):
    """Which models to list."""

    task: Literal["transcribe", "translate", "diarize", "automatic-speech-recognition"] | None = Field(
        None, description="Only models that can do this."
    )


class RegistryQuery(TaskQuery):
    """Which models to list."""

    language: OptionalLanguage = Field(None, description="Only models for it: a code or an English name.")
    state: Literal["available", "downloading", "installed", "loading", "loaded", "failed"] | None = Field(
        None, description="Only models in this state."
    )
    backend: str | None = Field(None, description="Only models of this plugin.")
