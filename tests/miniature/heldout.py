"""The held-out utterances: their words with times, and the recordings. Needs no synthesiser and no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from govor.contract.audio import Audio
from govor.testing import read_audio

HERE = Path(__file__).parent
LIST = HERE / "heldout.json"
FOLDER = HERE / "heldout"


@dataclass(frozen=True)
class HeldOut:
    """An utterance that the miniature was never trained on."""

    text: str
    """With capitals and punctuation, as the e2e head writes."""
    plain: str
    """As the other heads write."""
    kind: str
    """"trained": an espeak-ng variant of the training set; "new": another one; "festival"."""
    words: list[tuple[float, float]]
    """Each word's start and end in seconds, from the synthesiser."""
    voice: dict[str, str | int] | None
    """Fields of espeak.Voice; None for festival."""
    noise: float
    """Standard deviation of the white noise."""
    seed: int
    """Seed of the padding and the noise."""
    file: str | None
    """Name in FOLDER, if the recording is committed."""

    def samples(self) -> Audio:
        """Return the committed recording, (samples,) float32 at 16 kHz."""
        assert self.file is not None
        return read_audio(FOLDER / self.file)


def read() -> list[HeldOut]:
    return [HeldOut(**row) for row in json.loads(LIST.read_text(encoding="utf-8"))]


def recorded() -> list[HeldOut]:
    """Return those whose recording is committed."""
    return [utterance for utterance in read() if utterance.file]
