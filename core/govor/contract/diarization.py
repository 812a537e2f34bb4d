"""The contract between the core and a diarizer: speaker turns, voiceprints, streams.

Knows nothing of files, HTTP or any network; imports numpy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import Audio
from govor.contract.backends import ModelFamily
from govor.contract.recognizers import Loaded


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """One speaker speaks from `start` to `end`, in seconds of the recording. Turns may overlap."""

    start: float
    """Seconds of the recording."""
    end: float
    """Seconds of the recording."""
    speaker: int
    """Number of the speaker: known speakers from 0 on, in the order they were given, then all others."""


class DiarizationStream(Protocol):
    """Diarization of one recording; holds that recording's state. Called by one thread at a time."""

    def feed(self, audio: Audio) -> None:
        """Take the next block, of any length. The state must stay small for hours of audio."""
        ...

    def finish(self) -> Sequence[SpeakerTurn]:
        """Return all turns, in order of their start. Called once, after the last block."""
        ...


class Voices(Loaded, Protocol):
    """A loaded diarizer. As many threads may call it at once as `info` states, each with its own stream."""

    def voiceprint(self, audio: Audio) -> NDArray[np.float32] | None:
        """Return a vector that distinguishes the voice in 2 to 10 s of audio from others; None: no speech."""
        ...

    def stream(self, known: Sequence[NDArray[np.float32]] = ()) -> DiarizationStream:
        """Begin a recording that may contain the speakers of the voiceprints `known`."""
        ...


class CountedVoices(Voices, Protocol):
    """A loaded diarizer with `Capability.COUNT`."""

    def stream_of(
        self, known: Sequence[NDArray[np.float32]], least: int, most: int | None
    ) -> DiarizationStream:
        """Begin a recording of `least` to `most` speakers; `most` None: no upper bound is known."""
        ...


class VoiceEmbedder(Voices, Protocol):
    """A loaded diarizer with `Capability.EMBED`."""

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """Return a vector of unit length that distinguishes the voice in this audio from others.

        The dot product of two vectors approaches 1 the more alike the voices are. Audio without speech gets a
        vector too.
        """
        ...


class Diarizer(ModelFamily[Voices], Protocol):
    """A family of models that find out who speaks when. The first that is installed is used."""
