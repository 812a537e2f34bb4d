"""The transcription of one recording as the engine gets it. Knows nothing of HTTP."""

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
from govor.engine.transcription.channels import SeparateChannels
from govor.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class Work:
    """A recording, its model, and how it is transcribed."""

    source: Source
    """The recording's file, or its audio."""
    model: Model
    options: Options = field(default_factory=Options)
    """Only options that the model can honour."""
    rules: SpeechRules | None = None
    """The rules that separate speech from silence; None: those that suit the model."""
    max_seconds: float = 0.0
    """Longest recording in seconds; 0: any."""
    client: str = ""
    """The client, for the limits per client."""
    background: bool = False
    """Whether it is a job, which has waited in its own queue: it is neither refused nor timed out."""
    begin_at: float = 0.0
    """Seconds of the recording that an earlier attempt finished: its `position`."""
    ticket: AdmissionTicket | None = None
    """The ticket that it got before its upload; None: it is admitted when the transcription begins."""
    text: TextOptions = AS_IT_IS
    """How texts are improved; the models are chosen when the transcription begins."""
    diarize: Diarize | None = None
    """How segments are assigned to speakers; None: not at all."""
    selection: TrackSelection = ANYTHING
    """Track and channel of the recording that are transcribed."""
    audio: RequestAudio | None = None
    """The audio of `source`, perhaps opened for the choice of the model; None: it is made from `source`."""
    apart: SeparateChannels | None = None
    """How channels are transcribed apart; None: they are mixed. With it, `diarize` is for mono recordings."""
