"""The server as a plugin sees it: the models that can answer, and the transcription of recordings.

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
    """The name that clients send as `model`."""
    plugin: str
    """Name of the plugin that it is from."""
    spec: ModelSpec
    """The model as its plugin describes it."""
    languages: tuple[str, ...]
    """ISO 639-1 codes: those of the spec or, if the spec has none, all that the core knows."""


class Transcribing(Protocol):
    """A transcription in progress. Iterate it once."""

    def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order, each as soon as it is final. Raises GovorError."""
        ...

    def result(self) -> Transcript:
        """Return the transcript of all segments yielded so far."""
        ...


class Transcriber(Protocol):
    """The models of a running server, behind the same queues and limits as its HTTP API.

    All methods belong into the event loop that `startup` was called in.
    """

    version: str
    """Govor's version."""
    spool_dir: Path | None
    """Folder of uploads that are being worked on; None: the system's folder for temporary files."""
    max_seconds: float
    """Longest recording that the server accepts; 0: any."""

    def models(self) -> Sequence[ServedModel]:
        """Return the models whose files are installed, the default one first."""
        ...

    def transcribe(
        self, recording: Path, model: str = "", options: Options = PLAIN, *, client: str = ""
    ) -> AbstractAsyncContextManager[Transcribing]:
        """Begin to transcribe a file of any container and codec; exiting the block cancels it.

        `model` is an id, an alias, "auto" or "" for the default. The core leaves out of `options` what the
        model cannot do; their language may be a locale or a name too. `client` names the client for limits
        per client. Before any text, raises InvalidAudio, ModelNotFound, ServerBusy and other GovorErrors that
        concern the recording, the model or the server's load.
        """
        ...
