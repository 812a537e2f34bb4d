"""Bodies of the routes that take a recording, for /openapi.json; renderers write the real ones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

from govor.api.http.errors import ErrorDetail
from govor.api.request.fields import Fields
from govor.jobs.storage.records import Status


class TranscriptionForm(Fields):
    """multipart/form-data; array fields may be written with brackets, repeated, or as a comma list."""

    file: bytes | None = Field(
        None,
        description="The recording: any container and codec; its content decides, not its name. "
        "Required unless there is a `file_url`.",
        json_schema_extra={"type": "string", "format": "binary"},
    )


class DurationUsage(BaseModel):
    """Seconds of audio that were consumed, rounded up."""

    type: Literal["duration"]
    seconds: float


class SpokenLanguage(BaseModel):
    """A language of the text."""

    code: str = Field(description="ISO 639-1.")


class TokenLogprob(BaseModel):
    """A token of the text and how probable it is."""

    token: str
    logprob: float = Field(description="Natural logarithm; -9999 for a token of no probability.")
    bytes: list[int]


class SkippedPart(BaseModel):
    """A part of the recording that was not transcribed. Times are seconds."""

    code: str
    message: str
    start: float | None = None
    end: float | None = None


class Transcription(BaseModel):
    """The `json` body."""

    text: str
    languages: list[SpokenLanguage] | None = Field(
        None, description="The main one first; absent if the model cannot tell."
    )
    logprobs: list[TokenLogprob] | None = Field(None, description="With `include=logprobs`.")
    usage: DurationUsage


class TimedWord(BaseModel):
    """A word and its times in seconds."""

    word: str
    start: float
    end: float
    probability: float | None = Field(None, description="Absent if it is unknown.")


class WhisperSegment(BaseModel):
    """A segment with Whisper's ten keys; 0 for unknown values."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    speaker: str | None = Field(None, description="Absent if it is unknown.")


class VerboseTranscription(BaseModel):
    """The `verbose_json` body."""

    task: Literal["transcribe", "translate"]
    language: str = Field(description="English name of the text's language, or its code; `unknown`.")
    language_code: str | None = Field(description="ISO 639-1 code; null if it is unknown.")
    duration: float
    text: str
    words: list[TimedWord] | None = Field(None, description="If they are asked for.")
    segments: list[WhisperSegment] | None = Field(None, description="Absent if only words are asked for.")
    model: str
    usage: DurationUsage
    warnings: list[SkippedPart] | None = Field(None, description="Absent if all was transcribed.")


class DiarizedSegment(BaseModel):
    """A segment of one speaker."""

    type: Literal["transcript.text.segment"]
    id: str
    start: float
    end: float
    text: str
    speaker: str


class DiarizedTranscription(BaseModel):
    """The `diarized_json` body."""

    task: Literal["transcribe", "translate"]
    duration: float
    text: str
    segments: list[DiarizedSegment]
    usage: DurationUsage
    warnings: list[SkippedPart] | None = Field(None, description="Absent if all was transcribed.")


class SpeakerTurn(BaseModel):
    """A turn of one speaker."""

    id: int
    start: float
    end: float
    speaker: str = Field(description="A known name, or SPEAKER_00 and so on.")
    label: str = Field(description="The same speaker's name in diarized_json.")
    text: str | None = Field(None, description="Text of the turn, with include_text.")


class SpeakerSummary(BaseModel):
    """How much one speaker speaks."""

    id: str
    label: str
    total_speech_duration: float
    segment_count: int


class Diarization(BaseModel):
    """Speakers and their turns."""

    task: Literal["diarize"] = "diarize"
    duration: float = Field(description="Seconds of the recording.")
    num_speakers: int
    segments: list[SpeakerTurn]
    speakers: list[SpeakerSummary] | None = Field(None, description="With verbose_json.")


class JobProgress(BaseModel):
    """Progress of a job."""

    seconds_done: float
    seconds_total: float | None = Field(
        description="As the recording states it, at least seconds_done; null: it does not."
    )
    seconds_diarized: float | None = Field(
        None, description="Seconds diarized so far; present during diarization, before any text."
    )


class JobBody(BaseModel):
    """A transcription that goes on without its client. Times are seconds since 1970."""

    id: str
    object: Literal["transcription.job"] = "transcription.job"
    status: Status
    created_at: int
    started_at: int | None
    finished_at: int | None
    expires_at: int | None = Field(description="When it will be deleted.")
    model: str
    filename: str | None = Field(description="Name of the recording, as the client sent it; null: none.")
    progress: JobProgress
    error: ErrorDetail | None = Field(description="Why it failed.")
    result: Any = Field(None, description="Answer that the same request would have had without `background`.")


class JobList(BaseModel):
    """OpenAI's list, in pages."""

    object: Literal["list"] = "list"
    data: list[JobBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class JobRemoved(JobBody):
    """The job after its removal: cancelled, or as it was before it was deleted."""

    deleted: bool = Field(description="true: it is deleted; false: it is cancelled.")


class RichSegment(BaseModel):
    """A segment in go-whisper's dialect."""

    id: int
    start: float
    end: float
    text: str
    speaker_turn: bool | None = Field(None, description="Another speaker begins; absent if none does.")


class RichTranscription(BaseModel):
    """The `json` body of go-whisper's routes."""

    task: Literal["transcribe", "translate", "diarize"]
    language: str | None = Field(None, description="ISO 639-1 code; absent if it is unknown.")
    duration: float
    text: str
    segments: list[RichSegment]


class OpenAITranscription(RootModel[Transcription | VerboseTranscription | DiarizedTranscription]):
    """The body of `json`, `verbose_json` or `diarized_json`."""


class GoWhisperTranscription(RootModel[RichTranscription | VerboseTranscription | DiarizedTranscription]):
    """The body of `json`, which is go-whisper's, of `verbose_json` or `diarized_json`."""


class JobResult(RootModel[Transcription | VerboseTranscription | DiarizedTranscription | RichTranscription]):
    """The body of the format that the request named; `json` is that of the route that made the job."""
