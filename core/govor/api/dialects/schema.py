"""Bodies of other servers' dialects, for /openapi.json."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, RootModel

from govor.api.audio.schema import TimedWord, WhisperSegment


class GigasttWord(BaseModel):
    """A word in gigastt's dialect."""

    word: str
    start: float
    end: float
    confidence: float | None = None
    speaker: str | None = Field(None, description="Absent if it is unknown.")


class GigasttUtterance(BaseModel):
    """Some segments of one speaker that belong together."""

    start: float
    end: float
    text: str
    words: list[GigasttWord]


class GigasttTranscription(BaseModel):
    """The `json` body of gigastt's route."""

    text: str
    words: list[GigasttWord]
    duration: float
    segments: list[GigasttUtterance] | None = Field(None, description="With segments=true: utterances.")


class GigasttText(BaseModel):
    """Text of an utterance, so far or whole."""

    type: Literal["partial", "final"]
    text: str
    timestamp: float
    words: list[GigasttWord]


class GigasttFailure(BaseModel):
    """An error after the stream has begun."""

    type: Literal["error"]
    message: str
    code: str


class GigasttEvent(RootModel[GigasttText | GigasttFailure]):
    """The data of one of gigastt's events."""


class InferenceText(BaseModel):
    """The `json` body of whisper.cpp's route."""

    text: str


class InferenceWord(BaseModel):
    """A word in whisper.cpp's dialect; without times if the request has `no_timestamps`."""

    word: str
    start: float | None = None
    end: float | None = None
    t_dtw: int | None = None
    probability: float | None = None


class InferenceSegment(BaseModel):
    """A segment in whisper.cpp's dialect; unknown values are absent."""

    id: int
    text: str
    start: float | None = None
    end: float | None = None
    tokens: list[int]
    words: list[InferenceWord]
    temperature: float | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


class InferenceVerbose(BaseModel):
    """The `verbose_json` body of whisper.cpp's route."""

    task: Literal["transcribe", "translate"]
    language: str = Field(description="English name of the language; `unknown`.")
    duration: float
    text: str
    segments: list[InferenceSegment]
    detected_language: str | None = Field(None, description="The same as language; absent if unknown.")


class InferenceResult(RootModel[InferenceText | InferenceVerbose]):
    """The body of `json` or `verbose_json`."""


class AsrSegment(WhisperSegment):
    """A segment with Whisper's keys."""

    words: list[TimedWord] | None = Field(None, description="If they are asked for.")


class AsrResult(BaseModel):
    """The `json` body of whisper-asr-webservice's route."""

    text: str
    segments: list[AsrSegment]
    language: str = Field(description="ISO 639-1 code; `unknown` if the model does not detect it.")


class AsrDetection(BaseModel):
    """The most probable language; an empty object if there is no speech."""

    detected_language: str | None = Field(None, description="Its English name.")
    language_code: str | None = Field(None, description="Its ISO 639-1 code.")
    confidence: float | None = Field(None, description="Its probability, 0 to 1.")


class FlatError(BaseModel):
    """The body of errors on gigastt's and whisper.cpp's routes."""

    error: str
    code: str
    retry_after_ms: int | None = None
