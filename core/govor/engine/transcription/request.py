"""What is asked of the engine, in no dialect, and what a model can do of it.

Every way in makes one: HTTP, plugins and the terminal. Knows nothing of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from govor.audio.decoding.recording import ANYTHING
from govor.audio.regions import SpeechRules
from govor.contract.recognition import Options
from govor.decoder.wire import TrackSelection
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.channels import SeparateChannels
from govor.engine.transcription.options import honour
from govor.engine.transcription.work import Work
from govor.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A recording, and what is wanted of it."""

    path: Path
    model: str = ""
    """Id, alias, "auto"; empty: the default."""
    options: Options = field(default_factory=Options)
    ticket: AdmissionTicket | None = None
    """How it was admitted; None: it is admitted when it is prepared."""
    rules: SpeechRules | None = None
    """How speech is distinguished from silence; None: as suits the model."""
    max_seconds: float | None = None
    """Longest recording; 0: any; None: the server's own limit."""
    ignored: tuple[str, ...] = ()
    """Fields that the dialect knows and does not honour."""
    honoured: tuple[str, ...] = ()
    """Fields of other servers that are honoured, as NAME=OURS."""
    diarize: Diarize | None = None
    """How segments are assigned to speakers; None: not at all."""
    parties: SeparateChannels | None = None
    """How channels are transcribed apart; None: they are mixed."""
    selection: TrackSelection = ANYTHING
    """Which track of the recording is transcribed."""
    unasked: frozenset[str] = frozenset()
    """Options that the dialect sets, not the client: a model that lacks them is none the worse."""
    client: str = ""
    """Whose request it is, for the limits of one client."""


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request with its model, ready to be transcribed."""

    request: TranscriptionRequest
    work: Work
    missing: tuple[str, ...]
    """Options that were asked for and that the model cannot honour."""


def reduced(
    request: TranscriptionRequest, model: Model, ticket: AdmissionTicket, max_seconds: float
) -> PreparedRequest:
    """Return the work, with the options that a model can honour. Raises UnsupportedOperation.

    `max_seconds` holds unless the request says otherwise.
    """
    kept, beyond = honour(request.options, model.spec)
    work = Work(
        request.path,
        model,
        kept,
        request.rules,
        max_seconds if request.max_seconds is None else request.max_seconds,
        request.client,
        ticket=ticket,
        diarize=request.diarize,
        parties=request.parties,
        selection=request.selection,
    )
    return PreparedRequest(request, work, tuple(name for name in beyond if name not in request.unasked))
