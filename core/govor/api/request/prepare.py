"""Common to all dialects: admit a request, prepare its work, transcribe it, and set the answer's headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace

from quart import Response

from govor.api.body.uploads import current_spool
from govor.api.http.auth import client_name
from govor.api.request.results import MODEL_HEADER, name_ignored, name_warnings
from govor.api.response.sse import stream_response, transcription_events
from govor.contract.results import Transcript
from govor.engine.admission.admission import AdmissionTicket, Kind
from govor.engine.service import Service
from govor.engine.transcription.request import PreparedRequest, TranscriptionRequest
from govor.engine.transcription.stream import TranscriptStream
from govor.errors import InvalidParam, ModelNotFound, ModelNotInstalled
from govor.formats.events import Events

FIELD_OF_OPTION = {"words": "timestamp_granularities", "logprobs": "include"}
"""Names of options in OpenAI's API, if they differ."""


def client_of(service: Service) -> str:
    """Return the client's name for limits per client."""
    return client_name(keyed=service.keys.asked)


def admit(service: Service, stack: AsyncExitStack, *, later: bool = False) -> AdmissionTicket:
    """Hold a ticket until the stack closes; taken before the body is read, to refuse uploads early.

    `later`: the request becomes a job, which has a queue of its own. Raises ServerBusy, RateLimited.
    """
    kind = Kind.LATER if later else Kind.PLAIN
    return stack.enter_context(service.admission.admit(client_of(service), kind))


@asynccontextmanager
async def prepared(service: Service, request: TranscriptionRequest) -> AsyncIterator[PreparedRequest]:
    """Choose the model and prepare the work; it is released when the block ends.

    Raises ModelNotFound, ModelNotInstalled; InvalidParam for ignored fields if the settings are strict.
    """
    name = _known(service, request.model)
    async with service.prepare(replace(request, model=name, client=client_of(service))) as ready:
        service.asked.note(name, ready.work.model)
        if service.settings.strict and (ignored := ignored_fields(ready)):
            message = f"The model '{ready.work.model.id}' cannot honour '{ignored[0]}'."
            raise InvalidParam(message, param=ignored[0])
        yield ready


async def whole_transcript(service: Service, ready: PreparedRequest) -> Transcript:
    """Transcribe, and return the whole transcript."""
    async with service.transcribe(ready.work) as transcription:
        async with aclosing(aiter(transcription)) as segments:
            async for _ in segments:
                pass
        return transcription.result()


async def event_stream(
    service: Service,
    request: TranscriptionRequest,
    dialect: Callable[[PreparedRequest, TranscriptStream], Events],
    stack: AsyncExitStack,
) -> Response:
    """Return an answer that streams the transcript as a dialect's events.

    The contents of `stack` are released when the stream ends.
    """
    stack.callback(current_spool().take())
    ready = await stack.enter_async_context(prepared(service, request))
    transcription = await stack.enter_async_context(service.transcribe(ready.work))
    events, keep_alive = dialect(ready, transcription), service.settings.keep_alive_seconds
    sent = transcription_events(transcription, events, stack.pop_all(), keep_alive)
    return with_headers(await stream_response(sent), ready)


def ignored_fields(ready: PreparedRequest) -> tuple[str, ...]:
    """Return the names of fields that the model, or this server, does not honour."""
    return (*(FIELD_OF_OPTION.get(name, name) for name in ready.missing), *ready.request.ignored)


def with_headers(
    response: Response, ready: PreparedRequest, transcript: Transcript | None = None
) -> Response:
    """Name in headers the model, ignored fields, and notices of audio that was not transcribed."""
    response.headers[MODEL_HEADER] = ready.work.model.id
    if transcript is not None:
        name_warnings(response, transcript.notices)
    return name_ignored(response, (*ignored_fields(ready), *ready.request.honoured))


def _known(service: Service, name: str) -> str:
    """Return the name of the model; `compat.unknown_model` decides about an unknown one."""
    if service.router.means_auto(name):
        return name
    try:
        service.router.choose(name)
    except (ModelNotFound, ModelNotInstalled) as error:
        match service.settings.compat.unknown_model:
            case "default":
                return ""
            case "400":
                raise InvalidParam(str(error), param="model") from error
        raise
    return name
