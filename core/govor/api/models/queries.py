"""Queries of routes, for /openapi.json; some are also read by these models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from govor.api.request.fields import OptionalLanguage


class ForceQuery(BaseModel):
    """The flag that ends work under way."""

    force: bool = Field(False, description="Even if it is in use; its work ends.")


class StreamQuery(BaseModel):
    """The flag that asks for progress."""

    stream: bool = Field(False, description="Answer with named server-sent events.")


class TaskQuery(BaseModel):
    """The filter by task."""

    task: (
        Literal[
            "transcribe", "translate", "diarize", "vad", "text",
            "automatic-speech-recognition", "speaker-diarization", "voice-activity-detection",
            "text2text-generation",
        ]
        | None
    ) = Field(None, description="Only models that can do this.")  # fmt: skip


class RegistryQuery(TaskQuery):
    """Filters of the registry."""

    language: OptionalLanguage = Field(None, description="Only models for it: a code or an English name.")
    state: Literal["available", "downloading", "installed", "loading", "loaded", "failed"] | None = Field(
        None, description="Only models in this state."
    )
    backend: str | None = Field(None, description="Only models of this plugin.")
