"""Types of settings' values, and the default folders."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from govor.errors import ConfigurationError

OPENAI_MODELS = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
)
"""Model names that OpenAI's clients send, some of them without a choice."""

NOT_SETTINGS = frozenset({"GOVOR_CONFIG", "GOVOR_API_KEY", "GOVOR_SERVER"})
"""Variables that are no settings of the server: the configuration file, a client's key, and its server."""


def split(value: Any) -> Any:
    """Turn "a, b" from the environment or the command line into ["a", "b"]."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def expand(value: Any) -> Any:
    """Turn ~ into the home folder, as a shell does."""
    return Path(value).expanduser() if isinstance(value, str | Path) else value


def lower(value: Any) -> Any:
    """Turn the words of a setting into lower case."""
    return value.lower() if isinstance(value, str) else value


def _secret(value: Any) -> Any:
    """Check a secret of Standard Webhooks, without showing it in the message."""
    if not value or not isinstance(value, str):
        return value
    try:
        length = len(b64decode(value.removeprefix("whsec_"), validate=True))
    except ValueError:
        length = 0
    if not (value.startswith("whsec_") and 24 <= length <= 64):
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return value


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("two of them are the same")
    return names


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
DistinctNames = Annotated[Names, AfterValidator(_distinct)]
Folder = Annotated[Path, BeforeValidator(expand)]
UrlPolicy = Annotated[Literal["off", "public", "any"], BeforeValidator(lower)]
WebhookSecret = Annotated[str, BeforeValidator(_secret)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)]


def cache_folder() -> Path:
    """Return the default folder of models and spooled uploads: $XDG_CACHE_HOME/govor."""
    root = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    return Path(root) / "govor"


def data_folder() -> Path:
    """Return the default folder of jobs: $XDG_DATA_HOME/govor. Its content cannot be restored."""
    root = os.environ.get("XDG_DATA_HOME") or _home() / ".local/share"
    return Path(root) / "govor"


def _home() -> Path:
    """Return the home folder. Raises ConfigurationError if the user has none, as in some containers."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise ConfigurationError(
            "This user has no home folder. Set GOVOR_MODELS_DIR and GOVOR_DATA_DIR, or HOME."
        ) from error
