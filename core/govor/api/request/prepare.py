"""From what a client asks, in whichever dialect, to the engine's work, and from there to the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from quart import Response

from govor.api.body.uploads import current_spool
from govor.api.http.auth import client_name
from govor.api.request.results import MODEL_HEADER, name_ignored, name_warnings
from govor.api.response.sse import stream_response, transcription_events
from govor.audio.decoding.recording import ANYTHING
from govor.audio.regions import SpeechRules
from govor.contract.recognition import Options, Transcript
from govor.decoder.wire import TrackSelection
from govor.engine.admission.admission import AdmissionTicket, Kind
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.channels import SeparateChannels
from govor.engine.transcription.options import honour
from govor.engine.transcription.stream import TranscriptStream
from govor.engine.transcription.work import Work
from govor.errors import InvalidParam, ModelNotFound, ModelNotInstalled
from govor.formats.events import Events
from govor.models.catalogue import Model

FIELD_OF_OPTION = {"words": "timestamp_granularities", "logprobs": "include"}


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """What a client asks for, in no dialect."""

    path: Path
    model: str
    options: Options
    ticket: AdmissionTicket
    """Where it was let in."""
    rules: SpeechRules | None = None
    """How speech is told from silence; None: as suits the model."""
    max_seconds: float | None = None
    """Longest recording; None: the server's own limit."""
    ignored: tuple[str, ...] = ()
    """Fields that this server knows and does not honour."""
    done: tuple[str, ...] = ()
    """Fields of other servers that are done, as NAME=OURS."""
    diarize: Diarize | None = None
    """How speakers are told apart; None: not at all."""
    parties: SeparateChannels | None = None
    """How channels are heard apart; None: they are mixed."""
    selection: TrackSelection = ANYTHING
    """Which track of the recording is heard."""
    unasked: frozenset[str] = frozenset()
    """Options that the dialect sets, not the client: a model that lacks them is none the worse."""


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """One request, understood."""

    work: Work
    ignored: tuple[str, ...]
    """Fields that the model, or this server, does not honour."""
    done: tuple[str, ...] = ()
    """Fields that it honours under another name."""

    def label(self, response: Response, transcript: Transcript | None = None) -> Response:
        """Say in headers who answers, what is left out, and what of a recording was not heard."""
        response.headers[MODEL_HEADER] = self.work.model.id
        if transcript is not None:
            name_warnings(response, transcript.notices)
        return name_ignored(response, (*self.ignored, *self.done))


def client_of(service: Service) -> str:
    """Who asks, for the limits of one client."""
    return client_name(keyed=service.keys.asked)


def admit(service: Service, stack: AsyncExitStack, *, later: bool = False) -> AdmissionTicket:
    """Take a place until the stack is left: before the body is read, so that nobody uploads in vain.

    Who is to be answered `later` has a queue elsewhere. Raises ServerBusy, RateLimited.
    """
    kind = Kind.LATER if later else Kind.PLAIN
    return stack.enter_context(service.admission.admit(client_of(service), kind))


@asynccontextmanager
async def understood(service: Service, wish: TranscriptionRequest) -> AsyncIterator[ResolvedRequest]:
    """Choose the model, which may be held for the block, and reduce what is asked to what it can do.

    Raises ModelNotFound, ModelNotInstalled; InvalidParam where the settings are strict.
    """
    name = _known(service, wish.model)
    async with service.chooser.choose(name, wish.path, wish.options, wish.ticket, wish.selection) as model:
        service.asked.note(name, model)
        yield _reduce(service, wish, model)


async def whole_transcript(service: Service, asked: ResolvedRequest) -> Transcript:
    """Wait for the whole transcript."""
    async with service.transcribe(asked.work) as transcription:
        async with aclosing(aiter(transcription)) as segments:
            async for _ in segments:
                pass
        return transcription.result()


async def event_stream(
    service: Service,
    wish: TranscriptionRequest,
    dialect: Callable[[ResolvedRequest, TranscriptStream], Events],
    stack: AsyncExitStack,
) -> Response:
    """Return the answer that tells the transcript as it comes, in a dialect's events.

    What `stack` holds is held until the stream ends.
    """
    stack.callback(current_spool().take())
    asked = await stack.enter_async_context(understood(service, wish))
    transcription = await stack.enter_async_context(service.transcribe(asked.work))
    events, keep_alive = dialect(asked, transcription), service.settings.keep_alive_seconds
    told = transcription_events(transcription, events, stack.pop_all(), keep_alive)
    return asked.label(await stream_response(told))


def _known(service: Service, name: str) -> str:
    """Return the name; what one gets that no model has is the operator's choice."""
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


def _reduce(service: Service, wish: TranscriptionRequest, model: Model) -> ResolvedRequest:
    kept, missing = honour(wish.options, model.spec)
    asked_for = (name for name in missing if name not in wish.unasked)
    ignored = (*(FIELD_OF_OPTION.get(name, name) for name in asked_for), *wish.ignored)
    if service.settings.strict and ignored:
        raise InvalidParam(f"The model '{model.id}' cannot honour '{ignored[0]}'.", param=ignored[0])
    limit = service.settings.max_audio_seconds if wish.max_seconds is None else wish.max_seconds
    client = client_of(service)
    work = Work(
        wish.path,
        model,
        kept,
        wish.rules,
        limit,
        client,
        ticket=wish.ticket,
        diarize=wish.diarize,
        parties=wish.parties,
        selection=wish.selection,
    )
    return ResolvedRequest(work, ignored, wish.done)
