"""What one recording is to be transcribed with, and how. Knows nothing of HTTP."""

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
from govor.models.catalogue import Model


@dataclass(frozen=True, slots=True)
class Work:
    """What to transcribe, with what, how."""

    path: Path
    model: Model
    options: Options = field(default_factory=Options)
    """Already reduced to what the model can honour."""
    rules: SpeechRules | None = None
    """How speech is told from silence; None: as suits the model."""
    max_seconds: float = 0.0
    """Longest recording taken; 0: any."""
    client: str = ""
    """Whose work it is, for the limits of one client."""
    background: bool = False
    """Whether it comes from a queue of its own, and is neither refused nor timed out for want of room."""
    begin_at: float = 0.0
    """Seconds of the recording that an earlier attempt was through with: its `position`."""
    ticket: AdmissionTicket | None = None
    """Its place, where it was let in before it was uploaded; None: it is let in when its turn begins."""
    diarize: Diarize | None = None
    """How its segments are given to their speakers; None: not at all."""
    selection: TrackSelection = ANYTHING
    """Which track and channel of it is heard."""
    parties: SeparateChannels | None = None
    """How its channels are heard apart; None: they are mixed. `diarize` is then for mono recordings."""
