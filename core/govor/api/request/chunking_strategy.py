"""OpenAI's `chunking_strategy`: how speech is separated from silence."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from govor.audio.regions import SpeechRules
from govor.errors import InvalidParam
from govor.plain import json_fault


class ServerVad(BaseModel):
    """OpenAI's `chunking_strategy` object."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["server_vad"]
    prefix_padding_ms: int = Field(300, ge=0, le=5_000)
    silence_duration_ms: int = Field(200, ge=0, le=60_000)
    threshold: float = Field(0.5, ge=0, le=1)

    def rules(self) -> SpeechRules:
        """Return it as rules for finding speech."""
        return SpeechRules(
            threshold=self.threshold,
            silence=self.silence_duration_ms / 1000,
            padding=self.prefix_padding_ms / 1000,
        )


def read_strategy(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return text.strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidParam(
            f"'chunking_strategy' is not valid JSON: {json_fault(error)}", param="chunking_strategy"
        ) from error
    check_strategy(value)
    return value


def check_strategy(value: object) -> None:
    """Raise InvalidParam for one unknown key: pydantic would name each."""
    if isinstance(value, dict) and (unknown_names := value.keys() - ServerVad.model_fields.keys()):
        name = min(unknown_names)[:40]
        raise InvalidParam(f"'chunking_strategy' has no key '{name}'.", param="chunking_strategy")
