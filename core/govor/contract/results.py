"""What a model found in audio: tokens, words, segments; and the transcript of a recording.

Knows nothing of files, HTTP or any model family. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Task: TypeAlias = Literal["transcribe", "translate"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token that a decoder emitted. None means: this model cannot say."""

    id: int | None
    """Its number in the model's vocabulary."""
    data: bytes
    """UTF-8, with the space before a word; empty for a token that is no text. It may hold a part of a
    character.
    """
    logprob: float | None = None
    """Natural logarithm of its probability."""
    start: float | None = None
    """Seconds from the start of the array, as is `end`."""
    end: float | None = None

    @property
    def text(self) -> str:
        """The bytes as text; a part of a character becomes U+FFFD."""
        return self.data.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it stands in the text. None means: this model cannot say."""

    text: str
    start: float | None
    """Seconds, as is `end`."""
    end: float | None
    probability: float | None = None
    """0..1."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of recognised speech. None means: this model cannot say.

    A recognizer counts all times in seconds from the start of its array; the core converts them to times of
    the recording. The core also leaves out the words and log-probabilities that a client has not asked for,
    so a recognizer may always give all that it knows.
    """

    text: str
    """Without spaces at its ends."""
    start: float | None = None
    end: float | None = None
    words: tuple[Word, ...] | None = None
    """In the order of the text. Each overlaps the segment."""
    tokens: tuple[Token, ...] | None = None
    """All tokens of the text, in order: their joined bytes, decoded and stripped, are the text."""
    language: str | None = None
    """ISO 639-1 code of the spoken language."""
    speaker: str | None = None
    """Set by the core, never by a recognizer."""
    avg_logprob: float | None = None
    """Mean of the natural log-probabilities of the tokens."""
    no_speech_prob: float | None = None
    """Probability that the audio contains no speech."""
    temperature: float | None = None
    """Sampling temperature; 0: greedy."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A part of a recording that was not transcribed. Times count in seconds from the recording's start."""

    code: str
    message: str
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result that every response format renders. Times count from the recording's start."""

    text: str
    segments: tuple[Segment, ...]
    duration: float
    """Seconds of decoded audio."""
    language: str | None
    """ISO 639-1 code of the speech; None: unknown."""
    task: Task
    model: str
    """Id of the model that answered."""
    notices: tuple[Notice, ...] = ()
