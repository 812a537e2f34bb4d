"""Loaded models: what they state of themselves, and the calls that the core makes, with their options.

Knows nothing of files, HTTP or any model family.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import Audio
from govor.contract.models import RuntimeOptions
from govor.contract.results import Segment, Task


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one request for a model. Chunks with equal options may share a batch.

    The core passes only options that the model's features cover; all others keep their defaults.
    """

    task: Task = "transcribe"
    """"translate": write the text in English."""
    language: str | None = None
    """ISO 639-1 code, or None: the model decides."""
    languages: tuple[str, ...] = ()
    """Candidates, most likely first; empty: any."""
    prompt: str = ""
    """Text that precedes the recording."""
    keywords: tuple[str, ...] = ()
    """Words to expect."""
    temperature: float | None = None
    """0..1; None: the client did not set it."""
    words: bool = False
    """Whether the times of words are wanted."""
    logprobs: bool = False
    """Whether the log-probabilities of tokens are wanted."""


class Capability(StrEnum):
    """An optional part of a loaded model: methods that it has beside those that all of its kind have."""

    LONG_FORM = "long_form"  # `transcribe_long`: it windows longer audio itself
    DETECT = "detect"  # `detect`: it recognises the spoken language without writing the text
    STREAM = "stream"  # `open`, `advance`, `finish`: it transcribes audio while it comes
    COUNT = "count"  # `stream_of`: a diarizer that accepts bounds for the number of speakers
    EMBED = "embed"  # `embed`: a diarizer that gives out its voice vectors


@dataclass(frozen=True, slots=True)
class RecognizerInfo:
    """The statement of a loaded model about itself. It does not change while the model is loaded."""

    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    """The options in use: for example the device that "auto" has become. An option with its default keeps the
    operator's value.
    """
    parallel: int = 1
    """How many threads may call it at once."""
    batch: int = 1
    """The largest batch that pays on its device. With LONG_FORM it gets no batches."""
    batch_seconds: float = math.inf
    """Most seconds of padded audio in a call: the number of arrays times the longest one. One array may be
    longer.
    """
    cores: int | None = None
    """Cores of one call; None: `runtime.threads` on a CPU, else 1; 0: next to none."""
    surplus: int = 0
    """Calls beyond `parallel` that it supports for a moment, so that a new request need not wait for hours of
    other audio.
    """
    window: float = 0.0
    """With LONG_FORM: seconds that it decodes at a time; 0: unknown. Audio that is no longer is decoded in a
    single call, so the core emits its segments once it is decoded.
    """
    capabilities: frozenset[Capability] = frozenset()
    """Loading fails if a method of one is missing."""


class Loaded(Protocol):
    """Any loaded model."""

    @property
    def info(self) -> RecognizerInfo:
        """The statement of the model about itself."""
        ...

    def close(self) -> None:
        """Free the memory. Called once, when no call is running."""
        ...


@runtime_checkable
class Recognizer(Loaded, Protocol):
    """One loaded model that turns audio into text."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> Sequence[Sequence[Segment]]:
        """Return the segments of each array, in the same order. Runs in a worker thread.

        Arrays are at most `spec.max_seconds` long and may be as short as one sample. The segments of an array
        are in order of time and have text; an array without speech has none.
        """
        ...


class LongForm(Recognizer, Protocol):
    """A Recognizer with `Capability.LONG_FORM`: it carries context from window to window."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        """Yield Segments in time order, each as soon as it is final.

        The core may close the iterator early; between two items it may wait while other tasks use the model.
        Yield None at a point where others may go first although no segment is ready: before a second attempt,
        or after silence. The core keeps no reference to `audio` once it has the iterator.
        """
        ...


class LanguageDetector(Recognizer, Protocol):
    """A Recognizer with `Capability.DETECT`, for routing by language."""

    def detect(self, audio: Audio) -> Sequence[tuple[str, float]]:
        """Return (ISO 639-1 code, probability) pairs, the most probable first; none if there is no speech.

        `audio` is the first speech of a recording, at most 30 s. Runs in a worker thread, as `transcribe`.
        """
        ...


class VoiceStream(Protocol):
    """Voice detection through one recording; holds that recording's state."""

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        """Return the probability of speech of each frame of `audio`, a whole number of frames."""
        ...


class VoiceDetector(Protocol):
    """Tells speech from silence. Loaded once, used by all threads, with a stream for each recording."""

    frame: int
    """Samples per probability."""

    @property
    def info(self) -> RecognizerInfo:
        """Its statement about itself: only `runtime` counts."""
        ...

    def stream(self) -> VoiceStream:
        """Begin a recording."""
        ...

    def close(self) -> None:
        """Free the memory. Called once. A stream whose request was cancelled may be in its last call."""
        ...
