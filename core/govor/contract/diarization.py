"""What crosses the border between the core and a diarizer: turns, voiceprints, streams.

Knows nothing of files, HTTP or any network; imports numpy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from govor.contract.models import ModelSpec, Placement
from govor.contract.recognition import Audio


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """Somebody speaks, from `start` to `end` in seconds of the recording. Turns may overlap."""

    start: float
    end: float
    speaker: int
    """Which one: known speakers from 0 on, in the order they were given, then all others."""


class DiarizationStream(Protocol):
    """Diarization of one recording; holds that recording's state. Called by one thread at a time."""

    def feed(self, audio: Audio) -> None:
        """Take the next block, of any length. What is kept must stay small for hours of audio."""
        ...

    def finish(self) -> Sequence[SpeakerTurn]:
        """Return all turns, in order of their start. Called once, after the last block."""
        ...


class Voices(Protocol):
    """A loaded diarizer."""

    parallel: int
    """How many threads may be in it at once, each in another stream."""

    def voiceprint(self, audio: Audio) -> NDArray[np.float32] | None:
        """Return what tells the voice in 2 to 10 s of audio from others; None: nobody speaks."""
        ...

    def stream(self, known: Sequence[NDArray[np.float32]] = ()) -> DiarizationStream:
        """Begin a recording in which speakers of these voiceprints may be heard."""
        ...

    def close(self) -> None:
        """Free the memory. Called once, when no call is running."""
        ...


@runtime_checkable
class CountedVoices(Protocol):
    """A loaded diarizer that can be told how many people speak."""

    def stream_of(
        self, known: Sequence[NDArray[np.float32]], least: int, most: int | None
    ) -> DiarizationStream:
        """Begin a recording in which so many people speak; `most` is None where nobody knows."""
        ...


@runtime_checkable
class VoiceEmbedder(Protocol):
    """A loaded diarizer that gives its vectors away."""

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """Return what tells the voice in this audio from others: a vector of unit length, whoever is heard.

        The more alike two voices, the nearer to 1 is the product of their vectors.
        """
        ...


class Diarizer(Protocol):
    """Tells who speaks when."""

    @property
    def spec(self) -> ModelSpec:
        """What is loaded: its files are fetched, verified and kept like any model's."""
        ...

    def load(self, spec: ModelSpec, folder: Path, placement: Placement) -> Voices:
        """Load what lies in `folder`, verified. Runs in a thread. Raises LoadFailed, as Backend.load does."""
        ...
