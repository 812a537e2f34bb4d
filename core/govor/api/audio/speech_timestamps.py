"""POST /v1/audio/speech/timestamps: regions with speech, in the format of faster-whisper's servers."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

from pydantic import BaseModel, Field
from quart import Blueprint, Response
from quart_schema import DataSource, document_request, document_response, tag

from govor.api.body.recording import read_upload
from govor.api.request.fields import read_fields_as
from govor.api.request.foreign_fields import unknown_names
from govor.api.request.prepare import client_of
from govor.api.request.results import name_ignored
from govor.api.request.track_field import TrackFields
from govor.api.response.declared_errors import FORM, QUEUE, SOUND, can_fail
from govor.api.response.json import json_response
from govor.audio.decoding.opening import open_recording
from govor.audio.detection import find_speech
from govor.audio.regions import Region, SpeechRules
from govor.contract.audio import SAMPLE_RATE
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.service import Service

PER_MS = SAMPLE_RATE // 1000


class SpeechFields(TrackFields):
    """Fields of the form besides `file`."""

    threshold: float = Field(0.75, ge=0, le=1, description="Least probability of speech.")
    min_silence_duration_ms: int = Field(
        1000, ge=0, le=60_000, description="Shortest pause that ends a region."
    )
    min_speech_duration_ms: int = Field(0, ge=0, le=60_000, description="Shorter regions are left out.")
    speech_pad_ms: int = Field(0, ge=0, le=5_000, description="Audio kept around each region.")
    neg_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Probability below which speech ends; absent: 0.15 below `threshold`.",
    )
    max_speech_duration_s: float | None = Field(
        None, ge=0.1, description="Longer regions are cut, in a pause if they have one; absent: no limit."
    )

    def rules(self) -> SpeechRules:
        """Return the rules for finding speech."""
        return SpeechRules(
            self.threshold,
            self.min_silence_duration_ms / 1000,
            self.speech_pad_ms / 1000,
            self.min_speech_duration_ms / 1000,
            self.neg_threshold,
            self.max_speech_duration_s or math.inf,
        )


class SpeechForm(SpeechFields):
    """multipart/form-data."""

    file: bytes = Field(description="The recording: any container and codec.")


class SpeechTimestamp(BaseModel):
    """A region with speech, in milliseconds."""

    start: int
    end: int


def speech_routes(service: Service) -> Blueprint:
    """Return the route, bound to a service."""
    routes = Blueprint("speech", __name__)

    @routes.post("/v1/audio/speech/timestamps")
    @tag(["Audio"])
    @document_request(SpeechForm, source=DataSource.FORM_MULTIPART)
    @document_response(list[SpeechTimestamp])
    @can_fail(*FORM, *SOUND, *QUEUE)
    async def speech_timestamps() -> Response:
        """Regions of a recording with speech, found by the voice detector without a model."""
        with service.admission.admit(client_of(service)) as ticket:
            form, path = await read_upload()
            fields = read_fields_as(SpeechFields, form.fields)
            regions = await _find(service, path, fields, ticket)
        body = [{"start": region.start // PER_MS, "end": region.end // PER_MS} for region in regions]
        response = json_response(body)
        return name_ignored(response, unknown_names(form.fields, SpeechFields.model_fields))

    return routes


async def _find(service: Service, path: Path, fields: SpeechFields, ticket: AdmissionTicket) -> list[Region]:
    """Search the recording in a thread. Raises InvalidAudio, AudioTooLong, ServerBusy."""
    limit = service.settings.max_audio_seconds
    recording = await open_recording(path, service.decoders, limit, fields.selection)
    try:
        ticket.weigh(recording.duration)
        async with service.detectors.lease() as detector:
            return await asyncio.to_thread(find_speech, recording, detector, fields.rules(), limit)
    finally:
        recording.close()  # ends the thread's work if the client has disconnected
