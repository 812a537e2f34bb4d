"""POST /asr and /detect-language: the dialect of whisper-asr-webservice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path, PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field
from quart import Blueprint, Response, request
from quart_schema import DataSource, document_querystring, document_request, document_response, tag

from govor.api.body.recording import read_upload
from govor.api.dialects.schema import AsrDetection, AsrResult
from govor.api.request.fields import MORE_FORMATS, OptionalLanguage, read_fields_as
from govor.api.request.prepare import admit, label, prepared, whole_transcript
from govor.api.request.results import MODEL_HEADER
from govor.api.request.text_fields import TextFields
from govor.api.request.track_field import TrackFields
from govor.api.response.attachments import attach
from govor.api.response.declared_errors import DOWNLOAD, FORM, WORK, can_fail
from govor.api.response.json import json_response
from govor.audio.chunking import NO_DETECTION
from govor.contract.recognizers import Options
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import FormatFailed
from govor.formats.dialects.whisper_asr import OUTPUTS, language_body, render
from govor.formats.rendering.known_formats import Formats
from govor.requests.channels import find_diarizer, separate_channels
from govor.requests.lines import layout
from govor.requests.speakers import COUNTS, MOST_PEOPLE, count_people, not_counted
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


class AsrQuery(DecodedQuery, TextFields):
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
    num_speakers: int = Field(
        0, ge=0, le=MOST_PEOPLE, description="Number of speakers (not whisper-asr-webservice's)."
    )
    min_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Smallest number of speakers.")
    max_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Largest number of speakers; 0: no limit.")
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
        async with AsyncExitStack() as stack:
            ticket = admit(service, stack)
            _diarize(service, _query(service, request.args))  # refuses before the upload
            form, path = await read_upload(_stated)
            query = _query(service, {**form.fields, **request.args})
            wanted = await _wanted(service, query, path, ticket)
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
        return label(response, ready, transcript)

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


def _query(service: Service, given: Mapping[str, str]) -> AsrQuery:
    query = read_fields_as(AsrQuery, given)
    service.formats.check(query.output, OUTPUTS, "output")
    return query


async def _wanted(
    service: Service, query: AsrQuery, path: Path, ticket: AdmissionTicket
) -> TranscriptionRequest:
    diarize = _diarize(service, query)
    counts = tuple(name for name in COUNTS if getattr(query, name))
    return TranscriptionRequest(
        path,
        query.model,
        query.options(service.formats),
        ticket,
        None if query.vad_filter else NO_DETECTION,
        ignored=await not_counted(service, diarize, counts) if diarize else counts,
        text=query.text,
        diarize=diarize,
        parties=separate_channels(service.settings),
        selection=query.selection,
        unasked=frozenset() if query.word_timestamps else frozenset({"words"}),
    )


def _diarize(service: Service, query: AsrQuery) -> Diarize | None:
    """Return how speakers are found; None: not asked for. Raises UnsupportedOperation, InvalidParam."""
    people = count_people(query.num_speakers, query.min_speakers, query.max_speakers)
    if not query.diarize:
        return None
    model = find_diarizer(service, separate_channels(service.settings), "diarize")
    return None if model is None else Diarize(model, (), *people)


def asr_limits(compat: Compat) -> dict[str, int]:
    """Return the largest body in bytes, by path: clients send whole films decoded, 115 MB an hour."""
    return dict.fromkeys(PATHS, int(compat.asr_max_upload_mb * 1e6))


def _stated(given: Mapping[str, str]) -> str:
    return read_fields_as(DecodedQuery, given).media_type
