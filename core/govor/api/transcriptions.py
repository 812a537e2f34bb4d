"""POST /v1/audio/transcriptions and /v1/audio/translations: OpenAI's dialect."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import cast

from quart import Blueprint, Response, request
from quart_schema import DataSource, document_request, document_response, tag

from govor.api.auth import client_name
from govor.api.fields import Fields, parse_fields
from govor.api.forms import read_form
from govor.api.schema import Transcription as TranscriptionBody
from govor.api.schema import TranscriptionForm
from govor.api.streaming import stream_response, transcription_events
from govor.api.uploads import SpoolingRequest
from govor.engine.options import honour
from govor.engine.pipeline import Transcription, Work
from govor.engine.service import Service
from govor.errors import InvalidParam
from govor.formats import render
from govor.models.catalogue import Model
from govor.types import Options, Task

IGNORED_HEADER = "x-govor-ignored"
MODEL_HEADER = "x-govor-model"
STREAMED_FORMATS = frozenset({"json", "text"})  # the others answer whole, as they cannot be told in deltas
FIELD_OF_OPTION = {"words": "timestamp_granularities", "logprobs": "include"}


def transcription_routes(service: Service) -> Blueprint:
    """The two routes, bound to a service."""
    routes = Blueprint("transcriptions", __name__)

    @routes.post("/v1/audio/transcriptions")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(TranscriptionBody)
    async def transcribe() -> Response:
        """Text of a recording, in the language that is spoken."""
        return await _answer(service, "transcribe")

    @routes.post("/v1/audio/translations")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(TranscriptionBody)
    async def translate() -> Response:
        """English text of a recording, whatever language is spoken."""
        return await _answer(service, "translate")

    return routes


async def _answer(service: Service, task: Task) -> Response:
    """One request from form to response; whatever is wrong is raised before the first byte is sent."""
    client = client_name(keyed=bool(service.settings.api_keys))
    async with AsyncExitStack() as stack:
        place = stack.enter_context(service.admission.admit(client))  # before anything is uploaded in vain
        form, path = await read_form()
        fields = parse_fields(form)
        stack.callback(cast("SpoolingRequest", request).take_uploads())
        choice = service.chooser.choose(fields.model, path, fields.options(task))
        model = await stack.enter_async_context(choice)
        options, ignored = _honour(fields, task, model, strict=service.settings.strict)
        longest = service.settings.max_audio_seconds
        work = Work(path, model, options, fields.rules(), longest, client, place=place)
        transcription = await stack.enter_async_context(service.transcribe(work))
        if fields.stream and fields.response_format in STREAMED_FORMATS:
            keep_alive = service.settings.keep_alive_seconds
            response = await stream_response(
                transcription_events(transcription, options, stack.pop_all(), keep_alive)
            )
        else:
            async with aclosing(aiter(transcription)) as segments:
                async for _ in segments:
                    pass
            body, media_type = _render(transcription, fields)
            response = Response(body, content_type=media_type)
    response.headers[MODEL_HEADER] = model.id
    if ignored:
        response.headers[IGNORED_HEADER] = ", ".join(ignored)
    return response


def _honour(fields: Fields, task: Task, model: Model, *, strict: bool) -> tuple[Options, list[str]]:
    """Reduce what is asked to what the model can do. Raises InvalidParam instead where `strict`."""
    options, missing = honour(fields.options(task), model.spec)
    ignored = [FIELD_OF_OPTION.get(name, name) for name in missing]
    if strict and ignored:
        raise InvalidParam(f"The model '{model.id}' cannot honour '{ignored[0]}'.", param=ignored[0])
    return options, ignored


def _render(transcription: Transcription, fields: Fields) -> tuple[str, str]:
    words = "word" in fields.timestamp_granularities
    segments = not fields.timestamp_granularities or "segment" in fields.timestamp_granularities
    body, media_type = render(
        transcription.result(),
        fields.response_format,
        words=words,
        segments=segments,
        logprobs=fields.wants_logprobs,
    )
    return body if body.endswith("\n") else body + "\n", media_type
