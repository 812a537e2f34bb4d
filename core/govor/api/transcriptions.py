"""POST /v1/audio/transcriptions and /v1/audio/translations: OpenAI's dialect."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import cast

from quart import Blueprint, Response, request
from quart_schema import DataSource, document_request, document_response, tag

from govor.api.auth import client_name
from govor.api.fields import Fields, parse_fields
from govor.api.forms import fetch_recording, read_form
from govor.api.jobs import accept_job, prefers_async
from govor.api.results import IGNORED_HEADER, MODEL_HEADER, render_result
from govor.api.schema import JobBody, TranscriptionForm
from govor.api.schema import Transcription as TranscriptionBody
from govor.api.streaming import stream_response, transcription_events
from govor.api.uploads import SpoolingRequest
from govor.engine.options import honour
from govor.engine.pipeline import Work
from govor.engine.service import Service
from govor.errors import InvalidParam
from govor.jobs.desk import Jobs
from govor.models.catalogue import Model
from govor.types import Options, Task

STREAMED_FORMATS = frozenset({"json", "text"})  # the others answer whole, as they cannot be told in deltas
FIELD_OF_OPTION = {"words": "timestamp_granularities", "logprobs": "include"}


def transcription_routes(service: Service, jobs: Jobs) -> Blueprint:
    """The two routes, bound to a service and its jobs."""
    routes = Blueprint("transcriptions", __name__)

    @routes.post("/v1/audio/transcriptions")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(TranscriptionBody)
    @document_response(JobBody, 202)
    async def transcribe() -> Response:
        """Text of a recording, in the language that is spoken."""
        return await _answer(service, jobs, "transcribe")

    @routes.post("/v1/audio/translations")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(TranscriptionBody)
    @document_response(JobBody, 202)
    async def translate() -> Response:
        """English text of a recording, whatever language is spoken."""
        return await _answer(service, jobs, "translate")

    return routes


async def _answer(service: Service, jobs: Jobs, task: Task) -> Response:
    """One request from form to response; whatever is wrong is raised before the first byte is sent."""
    client = client_name(keyed=bool(service.settings.api_keys))
    async with AsyncExitStack() as stack:
        # before anything is uploaded in vain; but a job has a queue of its own
        place = stack.enter_context(service.admission.admit(client, patient=prefers_async()))
        form, path = await read_form()
        fields = _with_preference(parse_fields(form))
        if path is None:
            path = await fetch_recording(fields.file_url, service.settings)
        stack.callback(cast("SpoolingRequest", request).take_uploads())
        choice = service.chooser.choose(fields.model, path, fields.options(task))
        model = await stack.enter_async_context(choice)
        options, ignored = _honour(fields, task, model, strict=service.settings.strict)
        longest = service.settings.max_audio_seconds
        work = Work(path, model, options, fields.rules(), longest, client, place=place)
        if fields.background:
            response = await accept_job(jobs, work, fields, service.settings)
        else:
            response = await _transcribe(service, work, fields, stack)
    response.headers[MODEL_HEADER] = model.id
    if ignored:
        response.headers[IGNORED_HEADER] = ", ".join(ignored)
    return response


def _with_preference(fields: Fields) -> Fields:
    """A header may prefer a job, where no stream is asked for. Raises InvalidParam for what needs one."""
    if prefers_async() and not fields.stream:
        fields = fields.model_copy(update={"background": True})
    if fields.webhook_url and not fields.background:
        raise InvalidParam("'webhook_url' goes with 'background' only.", param="webhook_url")
    return fields


async def _transcribe(service: Service, work: Work, fields: Fields, stack: AsyncExitStack) -> Response:
    """Answer with the text, whole or as it comes; then `stack` is the stream's to unwind."""
    transcription = await stack.enter_async_context(service.transcribe(work))
    if fields.stream and fields.response_format in STREAMED_FORMATS:
        keep_alive = service.settings.keep_alive_seconds
        return await stream_response(
            transcription_events(transcription, work.options, stack.pop_all(), keep_alive)
        )
    async with aclosing(aiter(transcription)) as segments:
        async for _ in segments:
            pass
    body, media_type = render_result(transcription.result(), fields)
    return Response(body, content_type=media_type)


def _honour(fields: Fields, task: Task, model: Model, *, strict: bool) -> tuple[Options, list[str]]:
    """Reduce what is asked to what the model can do. Raises InvalidParam instead where `strict`."""
    options, missing = honour(fields.options(task), model.spec)
    ignored = [FIELD_OF_OPTION.get(name, name) for name in missing]
    if strict and ignored:
        raise InvalidParam(f"The model '{model.id}' cannot honour '{ignored[0]}'.", param=ignored[0])
    return options, ignored
