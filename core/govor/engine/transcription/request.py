"""A request to the engine, in no dialect, and its reduction to the abilities of a model.

HTTP, plugins and the terminal each make one. Knows nothing of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from govor.audio.decoding.recording import ANYTHING
from govor.audio.regions import SpeechRules
from govor.contract.recognizers import Options
from govor.contract.texts.processing import AS_IT_IS, TextOptions
from govor.decoder.wire import TrackSelection
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.sources.request_audio import RequestAudio, Source
from govor.engine.speakers.diarization import Diarize
from govor.engine.text.models import TextModels
from govor.engine.transcription.channels import SeparateChannels
from govor.engine.transcription.options import honour
from govor.engine.transcription.work import Work
from govor.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A recording, and how it shall be transcribed."""

    source: Source
    model: str = ""
    """Id, alias, "auto"; empty: the default."""
    options: Options = field(default_factory=Options)
    ticket: AdmissionTicket | None = None
    """The ticket of its admission; None: it is admitted when it is prepared."""
    rules: SpeechRules | None = None
    """The rules that separate speech from silence; None: those that suit the model."""
    max_seconds: float | None = None
    """Longest recording in seconds; 0: any; None: the server's own limit."""
    ignored: tuple[str, ...] = ()
    """Fields that the dialect knows and does not honour."""
    honoured: tuple[str, ...] = ()
    """Fields of other servers that are honoured, each as NAME=OURS."""
    text: TextOptions = AS_IT_IS
    """How texts are improved."""
    diarize: Diarize | None = None
    """How segments are assigned to speakers; None: not at all."""
    apart: SeparateChannels | None = None
    """How channels are transcribed apart; None: they are mixed."""
    selection: TrackSelection = ANYTHING
    """Which track of the recording is transcribed."""
    unasked: frozenset[str] = frozenset()
    """Options that the dialect sets, not the client: they are not reported as missing."""
    client: str = ""
    """The client, for the limits per client."""


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request with its model, ready for transcription."""

    request: TranscriptionRequest
    work: Work
    missing: tuple[str, ...]
    """Options that the client asked for and neither the model nor one for texts can honour."""


def reduced(
    request: TranscriptionRequest,
    model: Model,
    ticket: AdmissionTicket,
    audio: RequestAudio,
    texts: TextModels,
    max_seconds: float,
) -> PreparedRequest:
    """Return the work, with only the options that a model can honour. Raises UnsupportedOperation.

    `audio` is that of the request, open or not; `texts` are the server's models for texts; `max_seconds` is
    the longest recording, 0: any.
    """
    kept, beyond = honour(request.options, model.spec)
    work = Work(
        request.source,
        model,
        kept,
        request.rules,
        max_seconds,
        request.client,
        ticket=ticket,
        text=request.text,
        diarize=request.diarize,
        apart=request.apart,
        audio=audio,
        selection=request.selection,
    )
    missing = tuple(name for name in beyond if name not in request.unasked)
    return PreparedRequest(request, work, (*missing, *texts.missing(request.text, kept, model.spec)))
