"""The language of a recording's first speech, told by a model that can."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from govor.audio.decode import Recording
from govor.audio.speech import SpeechRules
from govor.audio.stretches import Cutter, Packing, Stretch
from govor.engine.residence import Loaded
from govor.engine.turns import Share, Turn
from govor.types import LanguageDetector, Options, Recognizer, Segment, VoiceDetector

SPEECH_SECONDS = 30.0
"""What a detector hears; Whisper's window."""

SEARCH_SECONDS = 180.0
"""How far into a recording speech is looked for."""

RULES = SpeechRules(silence=2.0, padding=0.4)
CERTAIN = 0.5
"""Least probability at which a language counts as told."""


@dataclass(frozen=True, slots=True, eq=False)
class Alone(Options):
    """Options that equal no others, so that the turn shares no call."""


class Detection(Turn):
    """A turn on a model that asks for the language instead of the text."""

    def __init__(self, stretch: Stretch):
        super().__init__(stretch, Alone(), Share())
        self.found: Sequence[tuple[str, float]] = ()

    def step(self, recognizer: Recognizer) -> list[Segment]:
        if isinstance(recognizer, LanguageDetector):
            self.found = recognizer.detect(self.stretch.audio)
        return self.conclude([])


async def detect_language(
    loaded: Loaded, path: Path, detector: VoiceDetector, among: Sequence[str] = ()
) -> str | None:
    """Return the ISO code of the first speech, of `among` where that is not empty; None: it is uncertain.

    Decodes no further than to `SPEECH_SECONDS` of speech. Raises InvalidAudio, TranscriptionFailed.
    """
    stretch = await asyncio.to_thread(first_speech, path, detector)
    if stretch is None:
        return None
    turn = Detection(stretch)
    loaded.lane.submit(turn)
    try:
        async for _ in turn:
            pass
    except asyncio.CancelledError:
        loaded.lane.cancel(turn)
        raise
    chances = {code: chance for code, chance in turn.found if not among or code in among}
    whole = sum(chances.values()) if among else 1.0
    best = max(chances, key=chances.__getitem__, default=None)
    return best if best and chances[best] >= CERTAIN * whole else None


def first_speech(path: Path, detector: VoiceDetector) -> Stretch | None:
    """Return the beginning of what is spoken in a recording; None: nobody speaks. Raises InvalidAudio."""
    recording = Recording(path)
    try:
        return next(_stretches(recording, detector), None)
    finally:
        recording.close()


def _stretches(recording: Recording, detector: VoiceDetector) -> Iterator[Stretch]:
    cutter = Cutter(detector, RULES, Packing(SPEECH_SECONDS, SPEECH_SECONDS))
    for block in recording.blocks():
        yield from cutter.feed(block)
        if cutter.seconds >= SEARCH_SECONDS:
            break
    yield from cutter.finish()
