"""POST …/audio/transcriptions, translations and diarize: the dialects of OpenAI and go-whisper.

Below /v1 the answers are OpenAI's; if the query, not the form, asks for a stream, it has go-whisper's events.
Below /api/v1 `json` is go-whisper's rich object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import PurePath

from quart import Blueprint, Response, request
from quart_schema import DataSource, document_request, document_response, tag

from govor.api.audio.jobs import accept_job, prefers_async
from govor.api.audio.schema import (
    GoWhisperTranscription,
    JobBody,
    OpenAITranscription,
    TranscriptionForm,
)
from govor.api.body.form import Form
from govor.api.body.recording import fetch_recording, read_form
from govor.api.request.fields import Fields, parse_fields, parse_flag
from govor.api.request.known_speakers import known_speakers
from govor.api.request.prepare import admit, event_stream, prepared, whole_transcript, with_headers
from govor.api.request.results import Purpose, render_result
from govor.api.response.declared_errors import DOWNLOAD, FORM, NEW_JOB, URL, WORK, can_fail
from govor.contract.results import Task
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.channels import NAMES, SeparateChannels
from govor.engine.transcription.request import PreparedRequest, TranscriptionRequest
from govor.engine.transcription.stream import TranscriptStream
from govor.errors import FormatFailed, InvalidParam
from govor.formats.dialects.gowhisper import GoWhisperEvents
from govor.formats.events import DiarizedEvents, Events, OpenAIEvents
from govor.jobs.service import JobService
from govor.requests.channels import find_diarizer, separate_channels
from govor.requests.speakers import not_counted
from govor.settings.compat import Compat

STREAMED_FORMATS = frozenset({"json", "text", "diarized_json"})  # the others exist only as a whole


def transcription_routes(service: Service, jobs: JobService, *, rich: bool = False) -> Blueprint:
    """Return the routes, bound to a service and its jobs: OpenAI's, or with `rich` go-whisper's."""
    prefix = "/api/v1" if rich else "/v1"
    routes = Blueprint("rich_transcriptions" if rich else "transcriptions", __name__, url_prefix=prefix)
    body = GoWhisperTranscription if rich else OpenAITranscription

    @routes.post("/audio/transcriptions")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(body)
    @document_response(JobBody, 202)
    @can_fail(*FORM, *WORK, *DOWNLOAD, *URL, *NEW_JOB, FormatFailed)
    async def transcribe() -> Response:
        """Text of a recording, in the language that is spoken."""
        return await _answer(service, jobs, "transcribe", rich=rich)

    @routes.post("/audio/translations")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(body)
    @document_response(JobBody, 202)
    @can_fail(*FORM, *WORK, *DOWNLOAD, *URL, *NEW_JOB, FormatFailed)
    async def translate() -> Response:
        """English text of a recording in any language."""
        return await _answer(service, jobs, "translate", rich=rich)

    @routes.post("/audio/diarize")
    @tag(["Audio"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(GoWhisperTranscription)
    @document_response(JobBody, 202)
    @can_fail(*FORM, *WORK, *DOWNLOAD, *URL, *NEW_JOB, FormatFailed)
    async def diarize() -> Response:
        """Text of a recording, with a mark at each change of speaker."""
        return await _answer(service, jobs, "diarize", rich=True)

    return routes


def azure_routes(service: Service, jobs: JobService) -> Blueprint:
    """Return the routes below Azure's base URL, in which a deployment is the name of a model."""
    routes = Blueprint("azure", __name__, url_prefix="/openai/deployments/<path:name>")

    @routes.post("/audio/transcriptions")
    @tag(["Azure"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(OpenAITranscription)
    @document_response(JobBody, 202)
    @can_fail(*FORM, *WORK, *DOWNLOAD, *URL, *NEW_JOB, FormatFailed)
    async def transcribe(name: str) -> Response:
        """Text of a recording, in the language that is spoken."""
        return await _answer(service, jobs, "transcribe", rich=False, model=name)

    @routes.post("/audio/translations")
    @tag(["Azure"])
    @document_request(TranscriptionForm, source=DataSource.FORM_MULTIPART)
    @document_response(OpenAITranscription)
    @document_response(JobBody, 202)
    @can_fail(*FORM, *WORK, *DOWNLOAD, *URL, *NEW_JOB, FormatFailed)
    async def translate(name: str) -> Response:
        """English text of a recording in any language."""
        return await _answer(service, jobs, "translate", rich=False, model=name)

    return routes


async def _answer(
    service: Service, jobs: JobService, purpose: Purpose, *, rich: bool, model: str = ""
) -> Response:
    """Answer one request, from form to response; errors are raised before the first byte is sent.

    `model` is the name in the path; empty: the form's.
    """
    compat = service.settings.compat
    async with AsyncExitStack() as stack:
        ticket = admit(service, stack, later=prefers_async())  # a job has a queue of its own
        form = await read_form()
        path = form.path
        fields = _fields(service, form, model)
        named = "stream" not in fields.model_fields_set and parse_flag(request.args, "stream")
        fields = _with_preference(fields, streamed=fields.stream or named)
        if not fields.background:
            ticket.answer_now()  # a stream is asked for, even if the header prefers a job
        apart = separate_channels(service.settings, fields)
        if purpose == "diarize":
            find_diarizer(service, apart)  # refuses before a recording is fetched
        if path is None:
            path = await fetch_recording(fields.file_url, service, ticket)
        if purpose == "transcribe" and fields.foreign.translates:
            purpose = "translate"
        task: Task = "translate" if purpose == "translate" else "transcribe"
        foreign = fields.foreign.answered(task)
        diarize = await _diarize(service, fields, purpose, apart)
        named_speakers = fields.diarize or apart is not None
        dialect = _stream_dialect(fields, purpose, compat, named=named, lines=named_speakers)
        unshown = _unshown(fields, diarize, apart, streamed=dialect is not None)
        uncounted = () if apart else await not_counted(service, diarize, fields.counts)
        ignored = (*uncounted, *unshown, *foreign.left)
        wanted = TranscriptionRequest(
            path,
            fields.model,
            fields.options(task),
            ticket,
            fields.rules(),
            ignored=ignored,
            honoured=foreign.done,
            text=fields.text,
            diarize=diarize,
            apart=apart,
            selection=fields.selection,
            unasked=fields.unasked,
        )
        if dialect:
            return await event_stream(service, wanted, dialect, stack)
        ready = await stack.enter_async_context(prepared(service, wanted))
        if fields.background:
            accepted = await accept_job(
                jobs, service, ready.work, fields, purpose if rich else None, form.file_name
            )
            return with_headers(accepted, ready)
        transcript = await whole_transcript(service, ready)
    shown, title = purpose if rich else None, PurePath(form.file_name).stem
    body, media_type = await asyncio.to_thread(
        render_result, transcript, fields, service.settings, service.formats, shown, title=title
    )
    return with_headers(Response(body, content_type=media_type), ready, transcript)


def _fields(service: Service, form: Form, model: str) -> Fields:
    """Return the fields of a form; a `model` in the path replaces the form's."""
    fields = parse_fields(
        form.fields,
        service.settings.compat.default_response_format,
        strict=service.settings.strict,
        formats=service.formats,
    )
    return fields.model_copy(update={"model": model}) if model else fields


def _with_preference(fields: Fields, *, streamed: bool) -> Fields:
    """Make the request a job if its header prefers one and it asks for no stream.

    Raises InvalidParam for a streamed job, and for a webhook without a job.
    """
    if fields.background and streamed:
        raise InvalidParam("A job has a stream of its own, its events: leave 'stream' out.", param="stream")
    if prefers_async() and not streamed:
        fields = fields.model_copy(update={"background": True})
    if fields.webhook_url and not fields.background:
        raise InvalidParam("'webhook_url' goes with 'background' only.", param="webhook_url")
    return fields


async def _diarize(
    service: Service, fields: Fields, purpose: Purpose, apart: SeparateChannels | None
) -> Diarize | None:
    """Return how speakers are found; None: not asked for, or there are separate channels and no diarizer.

    Raises UnsupportedOperation, InvalidParam.
    """
    if purpose != "diarize" and not fields.wants_speakers:
        return None
    fields.check_known()
    model = find_diarizer(service, apart, _wanting(fields))
    if model is None:
        return None
    known = await known_speakers(fields, service.decoders, service.settings.spool_dir)
    return Diarize(model, known, *fields.people)


def _unshown(
    fields: Fields, diarize: Diarize | None, apart: SeparateChannels | None, *, streamed: bool
) -> tuple[str, ...]:
    """Return the names of fields that have no effect on the answer."""
    unstreamed = ("stream",) if fields.stream and not streamed else ()
    unnamed = () if apart or not fields.channel_names else (NAMES,)
    unknown = fields.asked_of_speakers if apart else ()  # voices are not compared with known ones
    speakers = () if diarize else unknown if fields.wants_speakers else fields.unshown_speakers
    return (*fields.unshown, *speakers, *unnamed, *unstreamed)


def _wanting(fields: Fields) -> str | None:
    """Return the name of the field that asks for speakers; None: the route does."""
    if fields.response_format == "diarized_json":
        return "response_format"
    return "diarize" if fields.diarize else None


def _stream_dialect(
    fields: Fields, purpose: Purpose, compat: Compat, *, named: bool, lines: bool
) -> Callable[[PreparedRequest, TranscriptStream], Events] | None:
    """Choose the events of the stream; None: the answer is no stream."""
    if named:
        # go-whisper's own clients do not know these fields
        rich = bool(fields.timestamp_granularities) or fields.names_words
        return lambda ready, begun: GoWhisperEvents(
            purpose, ready.work.options.language, begun.seconds_stated, rich=rich
        )
    lines = lines and fields.response_format == "text"  # one line per turn, which deltas cannot express
    if fields.stream and fields.response_format in STREAMED_FORMATS and not lines:
        events = DiarizedEvents if fields.response_format == "diarized_json" else OpenAIEvents
        return lambda ready, begun: events(ready.work.options, done=compat.sse_done)
    return None
