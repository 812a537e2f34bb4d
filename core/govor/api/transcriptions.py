"""POST /v1/audio/transcriptions and /v1/audio/translations: OpenAI's dialect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import cast

from quart import Blueprint, Response, request
from quart_schema import DataSource, document_request, document_response, tag
from werkzeug.datastructures import FileStorage, MultiDict

from govor.api.fields import Fields, parse_fields
from govor.api.schema import Transcription as TranscriptionBody
from govor.api.schema import TranscriptionForm
from govor.api.uploads import SpoolingRequest, spooled_path
from govor.engine.options import honour
from govor.engine.pipeline import Transcription, Work
from govor.engine.service import Service
from govor.errors import EmptyBody, GovorError, InvalidParam, MissingFile, UnsupportedMediaType
from govor.formats import events, render
from govor.formats.text import Joiner
from govor.models.catalogue import Model
from govor.types import Options, Segment, Task

IGNORED_HEADER = "x-govor-ignored"
MODEL_HEADER = "x-govor-model"
EVENT_STREAM = "text/event-stream; charset=utf-8"
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
STREAMED_FORMATS = frozenset({"json", "text"})  # the others answer whole, as they cannot be told in deltas
END = Segment("")  # stands for the end of the segments
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
    form, path = await _read_form()
    fields = parse_fields(form)
    model = service.router.choose(fields.model)
    options, ignored = _honour(fields, task, model, strict=service.settings.strict)
    work = Work(path, model, options, fields.rules(), service.settings.max_audio_seconds)
    async with AsyncExitStack() as stack:
        stack.callback(cast("SpoolingRequest", request).take_uploads())
        transcription = await stack.enter_async_context(service.transcribe(work))
        if fields.stream and fields.response_format in STREAMED_FORMATS:
            stream = _events(transcription, options, stack.pop_all(), service.settings.keep_alive_seconds)
            first = await anext(stream)  # a comment at the latest: what fails before it gets a status
            response = Response(_resumed(first, stream), content_type=EVENT_STREAM, headers=STREAM_HEADERS)
            response.timeout = None  # Quart would cut the stream at RESPONSE_TIMEOUT without a word
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


async def _read_form() -> tuple[MultiDict[str, str], Path]:
    """Return the form's fields and where its file is spooled."""
    if request.content_length == 0 or not (request.mimetype or "transfer-encoding" in request.headers):
        raise EmptyBody("The request has no body; send multipart/form-data with a 'file'.")
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(
            f"Content type '{request.mimetype or 'none'}' is not supported; send multipart/form-data."
        )
    if not request.mimetype_params.get("boundary"):
        raise InvalidParam("The content type has no boundary; let your HTTP library set the header.")
    form, files = await request.form, await request.files
    upload: FileStorage | None = files.get("file")
    if upload is None:
        raise MissingFile(_why_no_file(form), param="file")
    return form, spooled_path(upload)


def _why_no_file(form: MultiDict[str, str]) -> str:
    if "file" in form:
        return "The part 'file' has no file name, so it is a text field; send it with filename=…."
    return "The form has no part 'file' with the recording."


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


async def _events(
    transcription: Transcription, options: Options, owned: AsyncExitStack, keep_alive: float
) -> AsyncGenerator[bytes, None]:
    """Yield the stream's events; `owned` (the upload, the model) is released however it ends."""
    async with owned:
        joiner = Joiner(options.language, task=options.task)
        number, told = 0, False
        try:
            async with (
                aclosing(aiter(transcription)) as segments,
                aclosing(_paced(segments, keep_alive)) as paced,
            ):
                async for segment in paced:
                    told = True
                    if segment is None:
                        yield events.KEEP_ALIVE
                        continue
                    tokens = segment.tokens if options.logprobs else None
                    yield events.delta(joiner.add(segment), segment_id=f"seg_{number:03}", logprobs=tokens)
                    number += 1
        except GovorError as error:
            if not told:
                raise
            yield events.error(error)
            return
        yield events.done(transcription.result(), logprobs=options.logprobs)
        yield events.DONE


async def _resumed(first: bytes, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield what was taken from the stream, then the rest."""
    async with aclosing(stream):
        yield first
        async for event in stream:
            yield event


async def _paced(segments: AsyncIterator[Segment], seconds: float) -> AsyncGenerator[Segment | None, None]:
    """Yield the segments, and None whenever nothing has come for `seconds`."""
    while True:
        waiting = asyncio.ensure_future(anext(segments, END))
        try:
            while not (await asyncio.wait({waiting}, timeout=seconds))[0]:
                yield None
        except BaseException:
            waiting.cancel()
            await asyncio.wait({waiting})
            raise
        segment = waiting.result()
        if segment is END:
            return
        yield segment
