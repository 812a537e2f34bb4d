"""Conversations made of clips of real speakers, with known turns.

The clips are of council meetings; pauses within a clip count as speech, which costs some percent of error.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np

from diarization.error_rate import Span

RATE = 16_000
PIECES = (1.0, 2.0, 4.0, 6.0, 9.0, 14.0)  # seconds of a turn, give or take a fifth
REFERENCE_SECONDS = 6.0
TUNED_ON = ("herbold", "juarez", "lewis", "sawant", "strauss")
"""Speakers whose conversations determined the thresholds."""

REPORTED = ("gonzalez", "morales", "mosqueda", "pedersen")
"""Speakers whose conversations give the published figures."""


class Conversation(NamedTuple):
    """A recording, its turns, and some seconds of each speaker that are not part of it."""

    audio: np.ndarray
    spans: list[Span]
    references: dict[str, np.ndarray]


def converse(
    clips: dict[str, list[np.ndarray]], speakers: tuple[str, ...], seed: int, seconds: float = 180.0
) -> Conversation:
    """Make turns at random; in about every seventh, a speaker begins before the other has ended."""
    draw = random.Random(seed)
    left = {name: _all(clips[name], draw) for name in speakers}
    references = {name: voice[-round(REFERENCE_SECONDS * RATE) :] for name, voice in left.items()}
    left = {name: voice[: -round(REFERENCE_SECONDS * RATE)] for name, voice in left.items()}
    audio = np.zeros(round((seconds + 20) * RATE), np.float32)
    spans: list[Span] = []
    clock = 0.5
    while clock < seconds:
        others = [name for name in speakers if not spans or name != spans[-1].speaker]
        name, length = draw.choice(others), round(draw.choice(PIECES) * draw.uniform(0.8, 1.2) * RATE)
        piece, left[name] = left[name][:length], left[name][length:]
        if len(piece) < length:
            break
        begin = round(clock * RATE)
        audio[begin : begin + length] += piece
        spans.append(Span(clock, clock + length / RATE, name))
        pause = -draw.uniform(0.2, 1.0) if draw.random() < 0.15 else draw.uniform(0.1, 1.2)
        clock = max(spans[-1].end + pause, spans[-1].start + 0.1)
    end = max(span.end for span in spans)
    return Conversation(np.clip(audio[: round((end + 0.5) * RATE)], -1, 1), spans, references)


def _all(clips: list[np.ndarray], draw: random.Random) -> np.ndarray:
    return np.concatenate(draw.sample(clips, len(clips)))
