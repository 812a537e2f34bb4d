"""The contract between the core and a backend: audio, options, loaded models.

Knows nothing of files, HTTP or any model family; imports numpy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.results import Notice, Segment, Task, Token, Transcript, Word

__all__ = [
    "SAMPLE_RATE",
    "Adopting",
    "Audio",
    "Backend",
    "LanguageDetector",
    "LongForm",
    "Notice",
    "Options",
    "Placed",
    "Recognizer",
    "Segment",
    "Task",
    "Token",
    "Transcript",
    "VoiceDetector",
    "VoiceStream",
    "Word",
]

SAMPLE_RATE = 16_000
"""Samples per second of every `Audio`."""

Audio: TypeAlias = NDArray[np.float32]
"""(samples,) mono at 16 kHz, -1..1. Receivers must not change it."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one request for a model. Chunks with equal options may share a batch.

    The core passes only options that the model's features cover; all others keep their defaults.
    """

    task: Task = "transcribe"
    language: str | None = None
    """ISO 639-1 code, or None: the model decides."""
    languages: tuple[str, ...] = ()
    """Candidates, most likely first; empty: any."""
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    temperature: float | None = None
    """0..1; None: the client did not set it."""
    words: bool = False
    logprobs: bool = False


class Recognizer(Protocol):
    """One loaded model.

    May also have the attributes `batch`, the largest batch that pays on its device (default 1; a LongForm
    gets no batches); `threads`, the cores of one call (default: its runtime's on a CPU, else 1; 0: none);
    `surplus`, the calls beyond `parallel` that it supports, so that new requests need not wait for hours of
    other audio (default 0).
    """

    parallel: int
    """How many threads may call `transcribe` at once."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> Sequence[Sequence[Segment]]:
        """Return the segments of each array, in the same order. Runs in a worker thread.

        Arrays are at most `spec.max_seconds` long and may be as short as one sample. The segments of an array
        are in order of time and have text; an array without speech has none.
        """
        ...

    def close(self) -> None:
        """Free the memory. Called once, when no call is running."""
        ...


@runtime_checkable
class LongForm(Protocol):
    """A Recognizer that windows longer audio itself and carries context from window to window.

    May also have the attribute `window`, the seconds that it decodes at a time (default 0: unknown). Audio
    that is no longer is decoded in one call, so the core emits its segments once it is decoded.
    """

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        """Yield Segments in time order, each as soon as it is final.

        The core may close the iterator early; between two items it may wait while other tasks use the model.
        Yield None at a point where others may go first although no segment is ready: before a second attempt,
        or after silence. The core keeps no reference to `audio` once it has the iterator.
        """
        ...


@runtime_checkable
class LanguageDetector(Protocol):
    """A Recognizer that recognises the spoken language without writing the text, for routing by language."""

    def detect(self, audio: Audio) -> Sequence[tuple[str, float]]:
        """Return (ISO 639-1 code, probability) pairs, the most probable first; none if there is no speech.

        `audio` is the first speech of a recording, at most 30 s. Runs in a worker thread, as `transcribe`.
        """
        ...


@runtime_checkable
class Placed(Protocol):
    """A Recognizer that reports where it runs."""

    runtime: RuntimeOptions
    """The options in use: for example the device that "auto" has become. An option that the recognizer cannot
    report keeps the operator's value.
    """


class Backend(Protocol):
    """A model family."""

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that this family can serve. Takes less than 10 ms: no I/O, no heavy import."""
        ...

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> Recognizer:
        """Load a model whose files all lie in `folder`, verified. May take minutes; runs in a thread.

        Raises LoadFailed if the machine lacks the device or the precision is impossible; the message names
        what there is. Only "auto" may become another device or precision.
        """
        ...


@runtime_checkable
class Adopting(Protocol):
    """A Backend that also serves models it does not list, which an operator declares or pulls by name."""

    def choose_files(self, names: Sequence[str]) -> Sequence[str]:
        """Return those of a repository's file names that make one model; none: it is not of this family.

        Raises ValueError, with the reason as a clause, if the repository is of this family but cannot be
        used.
        """

    def adopt(self, spec: ModelSpec) -> ModelSpec:
        """Fill in fields that the operator left out and the family determines. Raises ValueError."""


class VoiceStream(Protocol):
    """Voice detection through one recording; holds that recording's state."""

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        """Return the probability of speech of each frame of `audio`, a whole number of frames."""
        ...


class VoiceDetector(Protocol):
    """Distinguishes speech from silence. Loaded once, used by all threads."""

    frame: int
    """Samples per probability."""

    def stream(self) -> VoiceStream:
        """Begin a recording."""
        ...
