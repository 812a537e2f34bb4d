"""POST /asr and /detect-language: the dialect of whisper-asr-webservice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from quart import Blueprint, Response, request
from quart_schema import DataSource, document_querystring, document_request, document_response, tag
from werkzeug.datastructures import MultiDict

from govor.api.body.recording import read_upload
from govor.api.dialects.schema import AsrDetection, AsrResult
from govor.api.request.fields import MORE_FORMATS, OptionalLanguage, pop_channel_count, read_fields_as
from govor.api.request.prepare import admit, prepared, whole_transcript, with_headers
from govor.api.request.results import MODEL_HEADER
from govor.api.request.spellings import gather
from govor.api.request.text_fields import TextFields
from govor.api.request.track_field import TrackFields
from govor.api.response.attachments import attach
from govor.api.response.declared_errors import DOWNLOAD, FORM, WORK, can_fail
from govor.api.response.json import json_response
from govor.audio.chunking import NO_DETECTION
from govor.contract.recognizers import Options
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.channels import NAMES
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import FormatFailed
from govor.formats.dialects.whisper_asr import OUTPUTS, language_body, render
from govor.formats.rendering.known_formats import Formats
from govor.requests.channels import ChannelFields, find_diarizer, separate_channels
from govor.requests.faults import invalid
from govor.requests.lines import layout
from govor.requests.speakers import SpeakerCounts, not_counted
from govor.settings.compat import Compat

PATHS = ("/asr", "/detect-language")
HEADERLESS = "audio/pcm; rate=16000; channels=1"
"""Media type of a recording that the client has decoded: 16 bits, little-endian."""


class DecodedQuery(TrackFields):
    """The parameters of both routes."""

    encode: bool = Field(
        True, description="false: the recording is 16 kHz, mono, 16 bits little-endian, without a header."
    )

    @property
    def media_type(self) -> str:
        """Media type of the recording; empty: it has a header."""
        return "" if self.encode else HEADERLESS


class AsrQuery(DecodedQuery, SpeakerCounts, ChannelFields, TextFields):
    """The query of /asr; the form may have the same fields."""

    task: Literal["transcribe", "translate"] = Field(
        "transcribe", description="translate: answer in English."
    )
    language: OptionalLanguage = Field(None, description="Language of the speech; absent: it is detected.")
    initial_prompt: str = Field("", description="Text that precedes the recording, or sets its style.")
    output: Annotated[str, BeforeValidator(lambda value: str(value).lower())] = Field(
        "txt",
        description="Format of the answer.",
        json_schema_extra={"enum": list(OUTPUTS), MORE_FORMATS: True},
    )
    vad_filter: bool = Field(True, description="false: treat all audio as speech.")
    word_timestamps: bool = Field(False, description="json: words in the segments.")
    diarize: bool = Field(False, description="Name the speakers.")
    model: str = Field("", description="Not whisper-asr-webservice's; absent: the default model.")

    def options(self, formats: Formats) -> Options:
        """Return the options for the model. Subtitles need words: they are cut between them."""
        return Options(
            task=self.task,
            language=self.language,
            prompt=self.initial_prompt,
            words=self.word_timestamps or formats.needs_words(self.output),
        )


class AudioFileForm(BaseModel):
    """multipart/form-data."""

    audio_file: bytes = Field(description="The recording: any container and codec.")


def whisper_asr_routes(service: Service) -> Blueprint:
    """Return the two routes, bound to a service."""
    routes = Blueprint("whisper_asr", __name__)

    @routes.post(PATHS[0])
    @tag(["whisper-asr-webservice"])
    @document_querystring(AsrQuery)
    @document_request(AudioFileForm, source=DataSource.FORM_MULTIPART)
    @document_response(AsrResult)
    @can_fail(*FORM, *WORK, *DOWNLOAD, FormatFailed)
    async def asr() -> Response:
        """Text or subtitles of a recording."""
        return await _transcribe(service)

    @routes.post(PATHS[1])
    @tag(["whisper-asr-webservice"])
    @document_querystring(DecodedQuery)
    @document_request(AudioFileForm, source=DataSource.FORM_MULTIPART)
    @document_response(AsrDetection)
    @can_fail(*FORM, *WORK)
    async def detect_language() -> Response:
        """Language of a recording's first speech, at most 30 s of it."""
        async with AsyncExitStack() as stack:
            ticket = admit(service, stack)
            query = read_fields_as(DecodedQuery, request.args)
            _, path = await read_upload(_stated)
            name = request.args.get("model", "")
            with closing(RequestAudio(path, service.decoders, query.selection)) as audio:
                model, chances = await service.chooser.languages(name, audio, ticket)
        response = json_response(language_body(dict(chances)))
        response.headers[MODEL_HEADER] = model.id
        return response

    return routes


async def _transcribe(service: Service) -> Response:
    """Answer a request to /asr."""
    async with AsyncExitStack() as stack:
        ticket = admit(service, stack)
        _diarize(service, _read(request.args, service)[0])  # refuses before the upload
        form, path = await read_upload(_stated)
        for name, texts in request.args.lists():
            form.fields.setlist(name, texts)
        query, ignored = _read(form.fields, service)
        diarize = _diarize(service, query)
        uncounted = await not_counted(service, diarize, query.counts) if diarize else query.counts
        wanted = TranscriptionRequest(
            path,
            query.model,
            query.options(service.formats),
            ticket,
            None if query.vad_filter else NO_DETECTION,
            ignored=(*uncounted, *ignored),
            text=query.text,
            diarize=diarize,
            apart=separate_channels(service.settings, query),
            selection=query.selection,
            unasked=frozenset() if query.word_timestamps else frozenset({"words"}),
        )
        ready = await stack.enter_async_context(prepared(service, wanted))
        transcript = await whole_transcript(service, ready)
    body, media_type = await asyncio.to_thread(
        render,
        transcript,
        query.output,
        words=query.word_timestamps,
        layout=layout(service.settings.subtitles),
        formats=service.formats,
        title=PurePath(form.file_name).stem,
    )
    response = Response(body, content_type=media_type)
    suffix = service.formats.suffix(query.output)
    attach(response, f"{PurePath(form.file_name).name or 'audio'}{suffix}")
    return with_headers(response, ready, transcript)


def _read(given: MultiDict[str, str], service: Service) -> tuple[AsrQuery, tuple[str, ...]]:
    """Return the parameters, and the names of those without effect. Raises InvalidParam."""
    values = gather(given, AsrQuery.model_fields)
    counted = pop_channel_count(values)
    try:
        query = AsrQuery.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from error
    query.check_channels()
    service.formats.check(query.output, OUTPUTS, "output")
    unnamed = query.channel_names and separate_channels(service.settings, query) is None
    unused = {"channels": counted and query.encode, NAMES: unnamed}
    return query, tuple(name for name in unused if unused[name])


def _diarize(service: Service, query: AsrQuery) -> Diarize | None:
    """Return how speakers are found; None: not asked for. Raises UnsupportedOperation."""
    if not query.diarize:
        return None
    model = find_diarizer(service, separate_channels(service.settings, query), "diarize")
    return None if model is None else Diarize(model, (), *query.people)


def asr_limits(compat: Compat) -> dict[str, int]:
    """Return the largest body in bytes, by path: clients send whole films decoded, 115 MB an hour."""
    return dict.fromkeys(PATHS, int(compat.asr_max_upload_mb * 1e6))


def _stated(given: Mapping[str, str]) -> str:
    return read_fields_as(DecodedQuery, given).media_type
