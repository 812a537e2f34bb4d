"""POST /v1/audio/detect: the language of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from pydantic import BaseModel, Field
from quart import Blueprint, Response
from quart_schema import DataSource, document_request, document_response, tag

from govor.api.body.recording import read_upload
from govor.api.request.fields import parse_fields
from govor.api.request.prepare import client_of
from govor.api.request.results import MODEL_HEADER
from govor.api.request.track_field import TrackFields
from govor.api.response.declared_errors import FORM, WORK, can_fail
from govor.api.response.json import json_response
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.transcription.language import certain_language
from govor.formats.languages import language_name


class DetectForm(TrackFields):
    """multipart/form-data."""

    file: bytes = Field(description="The recording: any container and codec.")
    model: str = Field(
        "", description="A model that detects languages; empty or auto: the first one that can."
    )
    languages: Sequence[str] = Field((), description="Candidates; empty: any the model knows.")


class LanguageChance(BaseModel):
    """A language and how probable it is."""

    code: str
    probability: float


class DetectedLanguage(BaseModel):
    """The language of a recording's first speech."""

    language: str | None = Field(
        description="ISO 639-1 code; null: there is no speech, or the language is uncertain."
    )
    name: str | None = Field(description="Its English name.")
    languages: list[LanguageChance] = Field(description="The five most probable languages, best first.")
    model: str = Field(description="Id of the model that was used.")


def detect_routes(service: Service) -> Blueprint:
    """Return the route, bound to a service."""
    routes = Blueprint("detect", __name__)

    @routes.post("/v1/audio/detect")
    @tag(["Audio"])
    @document_request(DetectForm, source=DataSource.FORM_MULTIPART)
    @document_response(DetectedLanguage)
    @can_fail(*FORM, *WORK)
    async def detect() -> Response:
        """Language of a recording's first speech, at most 30 s of it."""
        with service.admission.admit(client_of(service)) as ticket:
            form, path = await read_upload()
            fields = parse_fields(form.fields, strict=service.settings.strict)
            candidates = fields.options("transcribe").languages
            with closing(RequestAudio(path, service.decoders, fields.selection)) as audio:
                model, chances = await service.chooser.languages(fields.model, audio, ticket, candidates)
        language = certain_language(chances)
        body = DetectedLanguage(
            language=language,
            name=language_name(language) if language else None,
            languages=[
                LanguageChance(code=code, probability=round(chance, 4))
                for code, chance in list(chances.items())[:5]
            ],
            model=model.id,
        )
        response = json_response(body)
        response.headers[MODEL_HEADER] = model.id
        return response

    return routes
