"""What a plugin sees of the server it runs in: models that answer, and recordings made into text.

Knows nothing of HTTP; imports numpy and the standard library only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from govor.contract.models import ModelSpec
from govor.contract.recognition import Options, Segment, Transcript

PLAIN = Options()


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that can answer now."""

    id: str
    """What clients send as `model`."""
    plugin: str
    spec: ModelSpec
    languages: tuple[str, ...]
    """ISO 639-1 codes: the spec's or, where that takes any, all that the core knows."""


class Transcribing(Protocol):
    """A recording on its way to text. Iterate it once."""

    def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order, each as soon as it is final. Raises GovorError."""
        ...

    def result(self) -> Transcript:
        """Return the transcript of all that has been yielded so far."""
        ...


class Transcriber(Protocol):
    """The models of a running server, behind the same queues and limits as its HTTP API.

    All methods belong into the event loop that `startup` was called in.
    """

    version: str
    """Govor's."""
    spool_dir: Path | None
    """Where uploads wait on disk; None: the system's folder for temporary files."""
    max_seconds: float
    """Longest recording that is taken; 0: any."""

    def models(self) -> Sequence[ServedModel]:
        """Return the models whose files are here, the default one first."""
        ...

    def transcribe(
        self, recording: Path, model: str = "", options: Options = PLAIN, *, client: str = ""
    ) -> AbstractAsyncContextManager[Transcribing]:
        """Begin a transcription of a file of any container and codec; leaving the block gives it up.

        `model` is an id, an alias, "auto" or "" for the default; what it cannot do is left out of `options`,
        whose language may be a locale or a name too. `client` is whom the limits of one client count. Raises
        what is wrong with the recording, the model or the moment before any text: InvalidAudio,
        ModelNotFound, ServerBusy and others of GovorError.
        """
        ...
