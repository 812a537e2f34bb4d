"""POST /v1/audio/diarization: who speaks when, without the words. Fields and answers are Speaches'."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError
from quart import Blueprint, Response
from quart_schema import DataSource, document_request, document_response, tag
from werkzeug.datastructures import MultiDict

from govor.api.fields import invalid
from govor.api.forms import fetch_recording, read_form
from govor.api.schema import Diarization as DiarizationBody
from govor.api.speakers import SpeakerFields, known_speakers
from govor.api.spellings import gather
from govor.api.work import client_of
from govor.engine.diarization import Diarize
from govor.engine.service import Service
from govor.errors import ModelNotFound
from govor.formats.diarized import rttm, turns_body
from govor.formats.openai import dump_json
from govor.models.catalogue import Model


class DiarizationFields(SpeakerFields):
    """The fields of a diarization request besides `file`."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field("", description="The diarizer's id or an alias of it; absent: the one installed.")
    file_url: str = Field("", description="Where the recording is, in place of `file`.")
    response_format: Literal["json", "rttm"] = Field("json", description="What the answer is.")


class DiarizationForm(DiarizationFields):
    """multipart/form-data; array fields may be written with brackets, or repeated."""

    file: bytes = Field(description="The recording: any container and codec.")


def diarization_routes(service: Service) -> Blueprint:
    """The route, bound to a service."""
    routes = Blueprint("diarization", __name__)

    @routes.post("/v1/audio/diarization")
    @tag(["Audio"])
    @document_request(DiarizationForm, source=DataSource.FORM_MULTIPART)
    @document_response(DiarizationBody)
    async def diarize() -> Response:
        """Who speaks when in a recording."""
        with service.admission.admit(client_of(service)) as place:  # before anything is uploaded in vain
            form = await read_form()
            fields = _parse(form.fields)
            path = form.path or await fetch_recording(fields.file_url, service, place)
            asked = Diarize(
                _choose(service, fields.model),
                await known_speakers(fields, service.decoders, service.settings.spool_dir),
            )
            async with service.diarize(path, asked, place) as diarization:
                turns = (await diarization.speakers()).turns()
        if fields.response_format == "rttm":
            return Response(rttm(turns, Path(form.file_name).stem), content_type="text/plain; charset=utf-8")
        body = dump_json(turns_body(turns, diarization.seconds))
        return Response(body + "\n", content_type="application/json")

    return routes


def _parse(form: MultiDict[str, str]) -> DiarizationFields:
    try:
        fields = DiarizationFields.model_validate(gather(form, DiarizationFields.model_fields))
    except ValidationError as error:
        raise invalid(error) from error
    fields.check_known()
    return fields


def _choose(service: Service, name: str) -> Model:
    """Return the diarizer; a name must be one of its own. Raises UnsupportedOperation, ModelNotFound."""
    model = service.router.diarizer()
    if name and service.router.find(name) != model:
        raise ModelNotFound(name, [model.id])
    return model
