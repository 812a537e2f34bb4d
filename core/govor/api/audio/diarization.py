"""POST /v1/audio/diarization: speakers and their turns, in the dialect of Speaches and LocalAI."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError
from quart import Blueprint, Response
from quart_schema import DataSource, document_request, document_response, tag
from werkzeug.datastructures import MultiDict

from govor.api.audio.schema import Diarization as DiarizationBody
from govor.api.body.recording import fetch_recording, read_form
from govor.api.request.fields import OptionalLanguage
from govor.api.request.foreign_fields import unknown_names
from govor.api.request.known_speakers import known_speakers
from govor.api.request.prepare import admit, prepared, whole_transcript
from govor.api.request.results import name_ignored
from govor.api.request.spellings import OTHER_NAMES, gather
from govor.api.request.track_field import TrackFields
from govor.api.response.declared_errors import DOWNLOAD, FORM, URL, WORK, can_fail
from govor.api.response.json import json_response
from govor.audio.decoding.opening import tagged
from govor.contract.recognizers import Options
from govor.contract.results import Transcript
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import ModelNotFound
from govor.formats.diarized import NamedTurn, numbered, rttm, smoothed, turns_body
from govor.models.catalogue import Model
from govor.requests.faults import invalid
from govor.requests.speakers import SpeakerFields, not_counted


class DiarizationFields(SpeakerFields, TrackFields):
    """The fields of a diarization request besides `file`."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field("", description="Id or alias of the diarizer; absent: the installed one.")
    file_url: str = Field("", description="URL of the recording, instead of `file`.")
    response_format: Literal["json", "rttm", "verbose_json"] = Field(
        "json", description="Format of the answer; verbose_json has a summary of each speaker."
    )
    min_duration_on: float = Field(0, ge=0, le=3600, description="Seconds; shorter turns are left out.")
    min_duration_off: float = Field(
        0,
        ge=0,
        le=3600,
        description="Seconds; turns of a speaker with a shorter pause between them are joined.",
    )
    include_text: bool = Field(
        False, description="verbose_json has the text too, by the default model; its segments are the turns."
    )
    language: OptionalLanguage = Field(None, description="Language of the speech, if the text is asked for.")

    @property
    def wants_text(self) -> bool:
        """Whether the text is asked for and shown."""
        return self.include_text and self.response_format == "verbose_json"


class DiarizationForm(DiarizationFields):
    """multipart/form-data; array fields may be written with brackets, or repeated."""

    file: bytes = Field(description="The recording: any container and codec.")


def diarization_routes(service: Service) -> Blueprint:
    """Return the route, bound to a service."""
    routes = Blueprint("diarization", __name__)

    @routes.post("/v1/audio/diarization")
    @tag(["Audio"])
    @document_request(DiarizationForm, source=DataSource.FORM_MULTIPART)
    @document_response(DiarizationBody)
    @can_fail(*FORM, *WORK, *DOWNLOAD, *URL)
    async def diarize() -> Response:
        """Speakers of a recording, and the times of their turns."""
        async with AsyncExitStack() as stack:
            ticket = admit(service, stack)  # refuses before the upload
            form = await read_form()
            fields = _parse(form.fields)
            path = form.path or await fetch_recording(fields.file_url, service, ticket)
            asked = Diarize(
                choose_diarizer(service, fields.model),
                await known_speakers(fields, service.decoders, service.settings.spool_dir),
                *fields.people,
            )
            selection = tagged(fields.selection, [fields.language] if fields.language else ())
            if fields.wants_text:
                turns, seconds = await _with_text(service, path, fields, asked, ticket)
            else:
                async with service.diarize(path, asked, ticket, selection) as diarization:
                    turns = (await diarization.speakers()).turns()
                seconds = diarization.seconds
            uncounted = await not_counted(service, asked, fields.counts)
        ignored = (*uncounted, *unknown_names(form.fields, {*DiarizationFields.model_fields, *OTHER_NAMES}))
        return name_ignored(_answer(turns, seconds, fields, Path(form.file_name).stem), ignored)

    return routes


def choose_diarizer(service: Service, name: str) -> Model:
    """Return the diarizer; `name` is empty or its own. Raises UnsupportedOperation, ModelNotFound."""
    model = service.router.diarizer()
    if name and service.router.find(name) != model:
        raise ModelNotFound(name, [model.id, *model.aliases])
    return model


def _parse(form: MultiDict[str, str]) -> DiarizationFields:
    try:
        fields = DiarizationFields.model_validate(gather(form, DiarizationFields.model_fields))
    except ValidationError as error:
        raise invalid(error) from error
    fields.check_known()
    return fields


async def _with_text(
    service: Service, path: Path, fields: DiarizationFields, asked: Diarize, ticket: AdmissionTicket
) -> tuple[list[NamedTurn], float]:
    """Return the turns with their texts, and the seconds of the recording."""
    wanted = TranscriptionRequest(
        path, "", Options(language=fields.language), ticket, diarize=asked, selection=fields.selection
    )
    async with prepared(service, wanted) as chosen:
        transcript: Transcript = await whole_transcript(service, chosen)
    turns = [
        NamedTurn(segment.start, segment.end, segment.speaker, segment.text.strip())
        for segment in transcript.segments
        if segment.start is not None and segment.end is not None and segment.speaker is not None
    ]
    return turns, transcript.duration


def _answer(turns: list[NamedTurn], seconds: float, fields: DiarizationFields, recording: str) -> Response:
    turns = smoothed(turns, shortest=fields.min_duration_on, pause=fields.min_duration_off)
    known = fields.known_speaker_names
    if fields.response_format == "rttm":
        names = numbered(turns, known)
        return Response(rttm(turns, names, recording), content_type="text/plain; charset=utf-8")
    body = turns_body(turns, known, seconds, verbose=fields.response_format == "verbose_json")
    return json_response(body)
