"""Settings for clients of other servers: the table [compat]. Knows nothing of HTTP or of other settings."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

MIB = 1024 * 1024 / 1e6
"""MB (10^6 bytes) in a MiB."""


class Compat(BaseModel):
    """Deviations of the answers from the default, for some clients. Read-only once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown_model: Literal["404", "400", "default"] = Field(
        "404",
        description="Answer to a request for an unknown model: 404, 400, or the default model's answer.",
    )
    language: Literal["name", "code"] = Field(
        "name", description="How verbose_json names the language below /v1: russian or ru."
    )
    always_segments: bool = Field(
        False, description="verbose_json has segments even if only the times of words are asked for."
    )
    sse_done: bool = Field(True, description="A stream of OpenAI's events ends with data: [DONE].")
    list_aliases: bool = Field(
        False, description="GET /v1/models lists a model once more under each of its other names."
    )
    gigastt: bool = Field(
        True, description="GET /v1/models has the default model's gigastt keys beside the list."
    )
    default_response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = Field(
        "json", description="Format of the answer to a form without response_format."
    )
    gigastt_max_upload_mb: float = Field(
        round(50 * MIB, 6),
        gt=0,
        allow_inf_nan=False,
        description="Largest body of /v1/transcribe and /v1/transcribe/stream, in MB (10^6 bytes): 50 MiB.",
    )
    gigastt_max_audio_seconds: float = Field(
        600, ge=0, allow_inf_nan=False, description="Longest recording of the same routes. 0: no limit."
    )
    asr_max_upload_mb: float = Field(
        500,
        gt=0,
        allow_inf_nan=False,
        description="Largest body of /asr and /detect-language, in MB (10^6 bytes): four hours, decoded.",
    )
    not_ready_when_busy: bool = Field(
        False, description="/ready answers 503, pool_exhausted, while all workers of the default model work."
    )

    @field_validator("unknown_model", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value
