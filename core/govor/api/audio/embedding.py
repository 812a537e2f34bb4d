"""POST /v1/audio/speech/embedding: a voice as a vector, in Speaches' format."""

from __future__ import annotations

from contextlib import closing
from typing import Literal

from pydantic import BaseModel, Field
from quart import Blueprint, Response
from quart_schema import DataSource, document_request, document_response, tag

from govor.api.audio.diarization import choose_diarizer
from govor.api.body.recording import read_upload
from govor.api.request.fields import read_fields_as
from govor.api.request.foreign_fields import unknown_names
from govor.api.request.prepare import client_of
from govor.api.request.results import name_ignored
from govor.api.request.track_field import TrackFields
from govor.api.response.declared_errors import DOWNLOAD, FORM, WORK, can_fail
from govor.api.response.json import json_response
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.speakers.voiceprints import embed_voice


class EmbeddingForm(TrackFields):
    """multipart/form-data."""

    file: bytes = Field(description="A recording of one voice; its first minute is used.")
    model: str = Field("", description="Id or alias of the diarizer; absent: the installed one.")


class VoiceVector(BaseModel):
    """A voice as a vector."""

    object: Literal["embedding"] = "embedding"
    index: int = 0
    embedding: list[float] = Field(description="Unit vector: the dot product of two of one voice is near 1.")


class SampleUsage(BaseModel):
    """Samples that were used, at 16 kHz."""

    prompt_tokens: int
    total_tokens: int


class VoiceEmbedding(BaseModel):
    """OpenAI's list of embeddings, with one item."""

    object: Literal["list"] = "list"
    data: list[VoiceVector]
    model: str = Field(description="The requested name; the model's id if there was none.")
    usage: SampleUsage


def embedding_routes(service: Service) -> Blueprint:
    """Return the route, bound to a service."""
    routes = Blueprint("embedding", __name__)

    @routes.post("/v1/audio/speech/embedding")
    @tag(["Audio"])
    @document_request(EmbeddingForm, source=DataSource.FORM_MULTIPART)
    @document_response(VoiceEmbedding)
    @can_fail(*FORM, *WORK, *DOWNLOAD)
    async def embed() -> Response:
        """A recording's voice as a vector, to compare voices."""
        with service.admission.admit(client_of(service)) as ticket:
            service.router.diarizer()  # refuses before the upload
            form, path = await read_upload()
            selection = read_fields_as(TrackFields, form.fields).selection
            name = form.fields.get("model", "")
            model = choose_diarizer(service, name)
            await service.fetch_missing(model)
            longest = service.settings.max_audio_seconds
            audio = RequestAudio(path, service.decoders, selection, max_seconds=longest)
            with service.interactive.one_more(), closing(QueueTimer(ticket)) as queue_timer:
                found = await embed_voice(audio, model, service.pool, queue_timer)
        body = VoiceEmbedding(
            data=[VoiceVector(embedding=[float(number) for number in found.vector])],
            model=name or model.id,
            usage=SampleUsage(prompt_tokens=found.samples, total_tokens=found.samples),
        )
        response = json_response(body)
        return name_ignored(response, unknown_names(form.fields, EmbeddingForm.model_fields))

    return routes
