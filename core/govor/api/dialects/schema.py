"""Bodies of other servers' dialects, for /openapi.json."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class GigasttWord(BaseModel):
    """A word in gigastt's dialect."""

    word: str
    start: float
    end: float
    confidence: float | None = None


class GigasttTranscription(BaseModel):
    """The `json` body of gigastt's route."""

    text: str
    words: list[GigasttWord]
    duration: float
    segments: list[dict[str, Any]] | None = Field(None, description="With segments=true: utterances.")


class GigasttEvent(BaseModel):
    """The data of one of gigastt's events."""

    type: Literal["partial", "final", "error"]
    text: str
    timestamp: float
    words: list[GigasttWord]


class InferenceResult(BaseModel):
    """The `json` body of whisper.cpp's route; `verbose_json` adds task, language, duration and segments."""

    text: str


class AsrResult(BaseModel):
    """The `json` body of whisper-asr-webservice's route."""

    text: str
    segments: list[dict[str, Any]] = Field(description="Whisper's ten keys; words if they are asked for.")
    language: str = Field(description="ISO 639-1 code; `unknown` if the model does not detect it.")


class AsrDetection(BaseModel):
    """The most probable language; an empty object if there is no speech."""

    detected_language: str | None = Field(None, description="Its English name.")
    language_code: str | None = Field(None, description="Its ISO 639-1 code.")
    confidence: float | None = Field(None, description="Its probability, 0 to 1.")


class FlatError(BaseModel):
    """The body of errors on gigastt's and whisper.cpp's routes."""

    error: str
    code: str
    retry_after_ms: int | None = None
