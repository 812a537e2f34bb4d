"""Measure the diarizer: `python tests/diarization/evaluate.py`; with `tune`, on the other speakers.

Prints the diarization error rate without a collar, the share of speech under the right name if all
speakers are known, and compute seconds per second of audio.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import govor
from diarization.conversations import REPORTED, TUNED_ON, Conversation, converse
from diarization.error_rate import Span, error_rate, named_rightly
from diarization.material import (
    EMBEDDING,
    SAMPLE,
    SAMPLE_TURNS,
    SEGMENTATION,
    read_clips,
    read_member,
    read_rttm,
    read_wav,
)
from govor_diarizer import diarizer

BLOCK = 64_000


def load(folder: Path, **settings: float) -> govor.Voices:
    """Load the diarizer with default settings, with the weights of the packages."""
    family = diarizer(settings)
    for file, member in zip(family.models()[0].files, (SEGMENTATION, EMBEDDING), strict=True):
        (folder / file.name).write_bytes(read_member(member))
    voices = family.load(family.models()[0], folder, govor.RuntimeOptions("cpu"))
    Remembering(voices)
    return voices


class Remembering:
    """Processes every window once, so that a conversation can be diarized again with other known speakers."""

    def __init__(self, voices: Any):
        self._analyse = voices.analyse
        self._results: dict[bytes, Any] = {}
        voices.analyse = self

    def __call__(self, audio: np.ndarray) -> Any:
        key = hashlib.sha256(audio.tobytes()).digest()
        if key not in self._results:
            self._results[key] = self._analyse(audio)
        return self._results[key]


def diarize(voices: govor.Voices, audio: np.ndarray, known: list[np.ndarray]) -> list[Span]:
    """Return the turns; the speakers known from recordings are 0, 1, …"""
    prints = [voices.voiceprint(reference) for reference in known]
    stream = voices.stream([voiceprint for voiceprint in prints if voiceprint is not None])
    for first in range(0, len(audio), BLOCK):
        stream.feed(audio[first : first + BLOCK])
    return [Span(turn.start, turn.end, turn.speaker) for turn in stream.finish()]


def reported(seconds: float = 180.0) -> Iterator[tuple[str, Conversation]]:
    """Yield the conversations of the published figures, or their beginnings: two, three and four speakers."""
    clips = read_clips()
    for count in (2, 3, 4):
        yield f"{count} speakers", converse(clips, REPORTED[:count], seed=100 + count, seconds=seconds)


def tuning() -> Iterator[tuple[str, Conversation]]:
    """Yield the conversations for choosing the thresholds."""
    clips = read_clips()
    for seed in range(8):
        count = 2 + seed % 4
        yield f"{count} speakers, seed {seed}", converse(clips, TUNED_ON[-count:], seed)


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        voices = load(Path(folder))
        audio = read_wav(read_member(SAMPLE))
        began = time.perf_counter()
        found = diarize(voices, audio, [])
        took = time.perf_counter() - began
        rate = error_rate(read_rttm(read_member(SAMPLE_TURNS).decode()), found)
        print(f"sample: DER {rate.total:.3f}, RTF {took / (len(audio) / 16_000):.3f}")
        rates, named = [], []
        for name, talk in tuning() if arguments == ["tune"] else reported():
            began = time.perf_counter()
            found = diarize(voices, talk.audio, [])
            took = time.perf_counter() - began
            rate = error_rate(talk.spans, found)
            names = list(talk.references)
            known = diarize(voices, talk.audio, list(talk.references.values()))
            spoken = [
                Span(span.start, span.end, dict(enumerate(names)).get(span.speaker, "")) for span in known
            ]
            rates.append(rate.total)
            named.append(named_rightly(talk.spans, spoken))
            print(
                f"{name}: DER {rate.total:.3f} (missed {rate.missed:.3f}, invented {rate.invented:.3f}, "
                f"confused {rate.confused:.3f}), {len({span.speaker for span in found})} found, "
                f"named rightly {named[-1]:.3f}, RTF {took / (len(talk.audio) / 16_000):.3f}"
            )
        print(f"mean DER {np.mean(rates):.3f}, named rightly {np.mean(named):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
