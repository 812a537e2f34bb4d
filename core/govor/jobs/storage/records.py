"""A job as data: its request, its progress, its end."""

from __future__ import annotations

import base64
import math
import sqlite3
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from govor.audio.decoding.recording import ANYTHING
from govor.audio.regions import SpeechRules
from govor.contract.recognizers import Options
from govor.contract.results import Notice
from govor.contract.texts.processing import TextOptions
from govor.decoder.wire import TrackSelection
from govor.engine.speakers.diarization import KnownSpeaker
from govor.engine.transcription.channels import SeparateChannels
from govor.errors import GovorError
from govor.names import is_job

Status = Literal["queued", "in_progress", "completed", "failed", "cancelled"]
STATUSES = frozenset(get_args(Status))
UNFINISHED = frozenset({"queued", "in_progress"})

NOTICES = TypeAdapter(tuple[Notice, ...])


class Speaker(BaseModel):
    """A known speaker, as it is stored."""

    model_config = ConfigDict(frozen=True)

    name: str
    pcm: str
    """Base64 of the reference as 16-bit samples at 16 kHz, as the decoder returns them."""

    @classmethod
    def of(cls, speaker: KnownSpeaker) -> Speaker:
        """Return the stored form of a known speaker."""
        samples = np.rint(speaker.audio * 32768).clip(-32768, 32767).astype("<i2")
        return cls(name=speaker.name, pcm=base64.b64encode(samples.tobytes()).decode())

    def known(self) -> KnownSpeaker:
        """Return the known speaker."""
        samples = np.frombuffer(base64.b64decode(self.pcm), "<i2").astype(np.float32)
        samples /= 32768
        return KnownSpeaker(self.name, samples)


class JobRequest(BaseModel):
    """The request of a job, as it is stored."""

    # the rules may hold infinity, for which JSON has no number
    model_config = ConfigDict(frozen=True, protected_namespaces=(), ser_json_inf_nan="strings")

    model: str
    """`plugin/id`."""
    options: Options
    """Only options that the model can honour."""
    rules: SpeechRules | None = None
    text: TextOptions = TextOptions()
    """How texts are improved."""
    speakers: tuple[Speaker, ...] | None = None
    """Known speakers, if the recording is diarized; None: it is not."""
    people: tuple[int, int | None] = (0, None)
    """Least and greatest number of speakers; None: any number."""
    parties: SeparateChannels | None = None
    """`Work.apart`, under the name that stored jobs have."""
    selection: TrackSelection = ANYTHING
    """Track and channel of the recording that are transcribed."""
    presentation: str = ""
    """The format of the result, in a form of the API's own."""
    webhook_url: str = ""


class JobFailure(BaseModel):
    """An error, as it is stored."""

    status: int
    type: str
    code: str
    message: str
    param: str | None = None

    @classmethod
    def of(cls, error: GovorError) -> JobFailure:
        """Return the stored form of an error."""
        return cls(
            status=error.status, type=error.type, code=error.code, message=str(error), param=error.param
        )

    def error(self) -> GovorError:
        """Return the error, to be raised."""
        error = GovorError(self.message, param=self.param)
        error.status, error.type, error.code = self.status, self.type, self.code
        return error


UNREADABLE = JobFailure.of(
    GovorError("The stored data of this job cannot be read. Send the recording again.")
)
"""The failure of a job whose row is damaged, or of another version of Govor."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as a list shows it. Times are seconds since 1970, durations seconds of audio."""

    number: int
    """Position in the order of submission."""
    id: str
    status: Status
    created_at: float
    started_at: float | None
    finished_at: float | None
    model: str
    """Id of the model."""
    attempts: int
    """Crashes of the server while this job ran alone, since its last progress."""
    position: float
    """Seconds of the recording that are done."""
    seconds_total: float | None
    """Length of the recording: as its container states it or, once it has been read, as it is."""
    failure: JobFailure | None
    seconds_diarized: float | None = field(default=None, kw_only=True)
    """Seconds diarized so far; None: the diarizer does not run."""
    notices: tuple[Notice, ...] = field(default=(), kw_only=True)
    """Parts of the recording that were not transcribed; known at the end."""
    file_name: str = field(default="", kw_only=True)
    """Name of the recording, as the client states it; empty: unknown."""

    @property
    def finished(self) -> bool:
        """Whether the job has ended."""
        return self.status not in UNFINISHED


@dataclass(frozen=True, slots=True)
class RequestedJob(Job):
    """A job with its request."""

    order: JobRequest


AnyJob = TypeVar("AnyJob", bound=Job)


def job_of(row: sqlite3.Row) -> Job:
    """Read a row of `jobs` without its request; an invalid value counts as unknown."""
    status = cast("Status", row["status"] if row["status"] in STATUSES else "failed")
    ended = status not in UNFINISHED
    return Job(
        number=row["number"],
        id=str(row["id"]),
        status=status,
        created_at=_number(row["created_at"]) or 0.0,
        started_at=_number(row["started_at"]),
        finished_at=(_number(row["finished_at"]) or 0.0) if ended else None,
        model=str(row["model"]),
        attempts=int(_number(row["attempts"]) or 0),
        position=_number(row["position"]) or 0.0,
        seconds_total=_number(row["seconds_total"]),
        failure=_failure_of(row["failure"]) if status == "failed" else None,
        notices=_notices_of(row["notices"]),
        file_name=str(row["file_name"] or ""),
    )


def order_of(row: sqlite3.Row) -> JobRequest | None:
    """Read the request of a row; None if it cannot be read."""
    try:
        return JobRequest.model_validate_json(row["wanted"]) if is_job(row["id"]) else None
    except (ValidationError, TypeError):
        return None


def ordered(job: Job, order: JobRequest | None) -> RequestedJob:
    """Return a job with its request; a job whose request cannot be read has failed."""
    known = {name: getattr(job, name) for name in Job.__dataclass_fields__}
    if order is None:
        known |= {"status": "failed", "failure": job.failure or UNREADABLE}
    return RequestedJob(**known, order=order or JobRequest(model=job.model, options=Options()))


def _failure_of(text: object) -> JobFailure:
    try:
        return JobFailure.model_validate_json(text) if isinstance(text, str) else UNREADABLE
    except ValidationError:
        return UNREADABLE


def _notices_of(text: object) -> tuple[Notice, ...]:
    try:
        return NOTICES.validate_json(text) if isinstance(text, str) else ()
    except ValidationError:
        return ()


def _number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def job_body(job: Job, *, keep_seconds: float) -> dict[str, object]:
    """Return the job as JSON, without its result; `keep_seconds`: how long it is kept after its end."""
    ends = None if job.finished_at is None else job.finished_at + keep_seconds
    total, diarized = job.seconds_total, job.seconds_diarized
    return {
        "id": job.id,
        "object": "transcription.job",
        "status": job.status,
        "created_at": math.floor(job.created_at),
        "started_at": None if job.started_at is None else math.floor(job.started_at),
        "finished_at": None if job.finished_at is None else math.floor(job.finished_at),
        "expires_at": None if ends is None else math.floor(ends),
        "model": job.model,
        "filename": job.file_name or None,
        "progress": {
            "seconds_done": round(job.position, 3),
            "seconds_total": None if total is None else round(max(total, job.position), 3),
            **({} if diarized is None else {"seconds_diarized": round(diarized, 3)}),
        },
        "error": None if job.failure is None else job.failure.model_dump(exclude={"status"}),
    }
