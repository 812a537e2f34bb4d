"""The server as a plugin sees it: the models that can answer, and the transcription of recordings.

Knows nothing of HTTP; imports numpy and the standard library only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from govor.contract.audio import Audio, AudioSource
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Transcript

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


class Session(Transcribing, Protocol):
    """A transcription of audio that is still coming. It runs while audio is fed, and segments may be read
    meanwhile, by another task.
    """

    async def feed(self, audio: Audio) -> None:
        """Add samples, (samples,) float32, mono at 16 kHz, of any length.

        Waits while ten seconds of them have not been read. Raises the GovorError that the transcription has
        ended with, among them the errors of `Transcriber.transcribe`; InvalidAudio for other arrays.
        """
        ...

    async def finish(self) -> None:
        """State that no more audio comes, and wait until the transcription has begun. Raises GovorError."""
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
        self, recording: Path | AudioSource, model: str = "", options: Options = PLAIN, *, client: str = ""
    ) -> AbstractAsyncContextManager[Transcribing]:
        """Begin to transcribe a file of any container and codec, or audio; exiting the block cancels it.

        An `AudioSource` is closed with the block. `model`: an id, an alias, "auto" or "" for the default. The
        core leaves out of `options` what the model cannot do; their language may be a locale or a name too.
        `client` names the client for limits per client. Before any text, raises InvalidAudio, ModelNotFound,
        ServerBusy and other GovorErrors that concern the recording, the model or the server's load.
        """
        ...

    def session(
        self, model: str = "", options: Options = PLAIN, *, client: str = ""
    ) -> AbstractAsyncContextManager[Session]:
        """Begin to transcribe audio that is still coming; exiting the block cancels it and frees everything.

        Model, options and client as in `transcribe`. The server's `max_seconds` hold, and a session fails to
        which no audio comes for the time of the setting `body_timeout`. It counts as a request under way from
        its beginning on, so begin it when there is audio.
        """
        ...
