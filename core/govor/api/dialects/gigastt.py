"""POST /v1/transcribe and /v1/transcribe/stream: gigastt's dialect. The body is the recording."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response, tag

from govor.api.body.recording import read_body
from govor.api.dialects.schema import GigasttEvent, GigasttTranscription
from govor.api.request.fields import MORE_FORMATS, OptionalLanguage
from govor.api.request.prepare import admit, event_stream, prepared, whole_transcript, with_headers
from govor.api.request.text_fields import TextFields
from govor.api.request.track_field import TrackFields
from govor.api.response.attachments import attach
from govor.api.response.declared_errors import DOWNLOAD, WORK, can_fail
from govor.audio.chunking import NO_DETECTION
from govor.contract.recognizers import Options
from govor.contract.results import Transcript
from govor.engine.service import Service
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import EmptyBody, FormatFailed, InvalidParam, MissingFile
from govor.formats.dialects.gigastt import EXPORT_TYPES, GigasttEvents, render
from govor.requests.channels import separate_channels
from govor.requests.faults import invalid
from govor.requests.lines import asked_layout
from govor.settings.compat import Compat

PATHS = ("/v1/transcribe", "/v1/transcribe/stream")
FLAGS = frozenset({"segments", "word_timestamps", "punctuation", "itn", "download"})
"""Options for which an empty value has a meaning: `?segments` is `?segments=true`."""

Switch = Annotated[bool, BeforeValidator(lambda value: True if value == "" else value)]


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Query(TrackFields, TextFields):
    """The query of both routes."""

    format: Annotated[str, BeforeValidator(_lower)] = Field(
        "json",
        description="Format of the answer; a stream always has events.",
        json_schema_extra={"enum": list(EXPORT_TYPES), MORE_FORMATS: True},
    )
    segments: Switch = Field(False, description="json: utterances too; md: a heading for each.")
    word_timestamps: Switch = Field(False, description="md: a table of the words' times.")
    model: str = Field("", description="Id, alias or plugin/id; absent: the default model.")
    variant: str = Field("", description="The same, under gigastt's name.")
    language: OptionalLanguage = Field(None, description="Language of the speech; auto: it is detected.")
    vad: Switch = Field(True, description="false: treat all audio as speech.")
    punctuation: Switch = Field(False, description="Add punctuation and capitals, by a plugin.")
    itn: Switch = Field(False, description="Write numbers in digits, by a plugin.")
    max_chars_per_line: int | None = Field(
        None, ge=1, le=1000, description="srt, vtt: most columns of a line; 10 if less."
    )
    max_words_per_line: int | None = Field(None, ge=1, le=100, description="srt, vtt: most words of a line.")
    download: str | None = Field(None, description="Send the answer as a file of this name.")

    @property
    def max_line_width(self) -> int | None:
        """The same, under Whisper's name."""
        return self.max_chars_per_line and max(10, self.max_chars_per_line)

    @property
    def max_line_count(self) -> int | None:
        """gigastt has no such option."""
        return None


def gigastt_routes(service: Service) -> Blueprint:
    """Return the two routes, bound to a service."""
    routes = Blueprint("gigastt", __name__)

    @routes.post(PATHS[0])
    @tag(["gigastt"])
    @document_querystring(Query)
    @document_response(GigasttTranscription)
    @can_fail(InvalidParam, EmptyBody, MissingFile, *WORK, *DOWNLOAD, FormatFailed)
    async def transcribe_body() -> Response:
        """Text and words of the recording that is the body."""
        query = _query(service)
        async with AsyncExitStack() as stack:
            wanted = await _wanted(service, query, stack)
            ready = await stack.enter_async_context(prepared(service, wanted))
            transcript = await whole_transcript(service, ready)
        body, media_type = await asyncio.to_thread(_render, service, query, transcript)
        response = Response(body, content_type=media_type)
        if query.download is not None:
            suffix = (
                f".{query.format}" if query.format in EXPORT_TYPES else service.formats.suffix(query.format)
            )
            attach(response, query.download or f"transcript{suffix}")
        return with_headers(response, ready, transcript)

    @routes.post(PATHS[1])
    @tag(["gigastt"])
    @document_querystring(Query)
    @document_response(GigasttEvent)
    @can_fail(InvalidParam, EmptyBody, MissingFile, *WORK, *DOWNLOAD)
    async def stream_body() -> Response:
        """Events with the text of the recording that is the body, while it is transcribed."""
        async with AsyncExitStack() as stack:
            wanted = await _wanted(service, _query(service), stack)
            return await event_stream(service, wanted, lambda ready, begun: GigasttEvents(), stack)

    return routes


def own_limits(compat: Compat) -> dict[str, int]:
    """Return the largest body in bytes, by path."""
    return dict.fromkeys(PATHS, int(compat.gigastt_max_upload_mb * 1e6))


def _query(service: Service) -> Query:
    given = {name: value for name, value in request.args.items() if value or name in FLAGS}
    try:
        query = Query.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from error
    service.formats.check(query.format, EXPORT_TYPES, "format")
    return query


def _render(service: Service, query: Query, transcript: Transcript) -> tuple[str | bytes, str]:
    """Return body and media type: gigastt's own or, under names that gigastt has not, those of plugins."""
    if query.format not in EXPORT_TYPES:
        return service.formats.render(
            transcript,
            query.format,
            words=query.word_timestamps,
            segments=True,
            logprobs=False,
            times=query.segments,
        )
    return render(
        transcript,
        query.format,
        segments=query.segments,
        word_timestamps=query.word_timestamps,
        layout=asked_layout(service.settings.subtitles, query),
    )


async def _wanted(service: Service, query: Query, stack: AsyncExitStack) -> TranscriptionRequest:
    """Read the body and the request; it asks for words, in case the model has them."""
    ticket = admit(service, stack)
    return TranscriptionRequest(
        await read_body(),
        query.model or query.variant,
        Options(language=query.language, words=True),
        ticket,
        None if query.vad else NO_DETECTION,
        service.settings.compat.gigastt_max_audio_seconds,
        text=query.text,
        apart=separate_channels(service.settings),
        selection=query.selection,
        unasked=frozenset({"words"}),
    )
