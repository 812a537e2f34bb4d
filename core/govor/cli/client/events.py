"""The events of a transcription stream, with the fields that the terminal reads. Raises ValidationError."""

from __future__ import annotations

from pydantic import BaseModel

from govor.contract.results import Notice, Segment, Token, Word


class TaskEvent(BaseModel):
    """The first event, with the length of the recording in seconds."""

    duration: float | None = None


class EndEvent(BaseModel):
    """The last event, with warnings if parts were not transcribed."""

    warnings: tuple[Notice, ...] = ()


class WordEvent(BaseModel):
    """One word of a segment."""

    word: str
    start: float
    end: float
    probability: float | None = None


class SegmentEvent(BaseModel):
    """One segment."""

    text: str
    start: float | None = None
    end: float | None = None
    words: tuple[WordEvent, ...] | None = None
    tokens: tuple[int, ...] = ()
    language: str | None = None
    speaker: str | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    temperature: float | None = None

    def segment(self) -> Segment:
        """Return the segment in the engine's type."""
        words = (Word(word.word, word.start, word.end, word.probability) for word in self.words or ())
        return Segment(
            self.text,
            self.start,
            self.end,
            words=None if self.words is None else tuple(words),
            tokens=tuple(Token(number, b"") for number in self.tokens) or None,
            language=self.language,
            speaker=self.speaker,
            avg_logprob=self.avg_logprob,
            no_speech_prob=self.no_speech_prob,
            temperature=self.temperature,
        )
