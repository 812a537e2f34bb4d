"""The language of a recording's first speech, told by a model that can."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from govor.audio.chunking import Cutter, Packing, Stretch
from govor.audio.decoding.opening import tagged
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import ANYTHING, Recording
from govor.audio.policy import LONG_FORM_RULES
from govor.contract.recognition import Audio, LanguageDetector, VoiceDetector
from govor.decoder.wire import Wishes
from govor.engine.model_pool.loaded_models import Loaded
from govor.engine.scheduling.admission import Place
from govor.engine.scheduling.queue_timeout import Patience

Chances = Mapping[str, float]
"""ISO 639-1 codes with their probabilities, the most probable first."""

SPEECH_SECONDS = 30.0
"""What a detector hears; Whisper's window."""

SEARCH_SECONDS = 180.0
"""How far into a recording speech is looked for."""

CERTAIN = 0.5
"""Least probability at which a language counts as told."""


async def language_chances(
    loaded: Loaded,
    path: Path,
    decoders: Decoders,
    detector: VoiceDetector,
    place: Place,
    among: Collection[str] = (),
    wishes: Wishes = ANYTHING,
) -> Chances:
    """Return how probable each language of the first speech is, the most probable first; of `among` if any.

    Decodes no further than to `SPEECH_SECONDS` of speech; empty: nobody speaks. Raises InvalidAudio,
    TranscriptionFailed, QueueTimeout.
    """
    stretch = await asyncio.to_thread(first_speech, path, decoders, detector, wishes)
    if stretch is None:
        return {}
    with closing(Patience(place)) as patience:
        found = await loaded.lane.ask(partial(_detect, audio=stretch.audio), patience=patience)
    chances = {code: chance for code, chance in found if not among or code in among}
    whole = sum(chances.values()) if among else 1.0
    ranked = sorted(chances.items(), key=lambda pair: -pair[1])
    return {code: chance / whole if whole else 0.0 for code, chance in ranked}


def _detect(model: LanguageDetector, audio: Audio) -> Sequence[tuple[str, float]]:
    return model.detect(audio)


def certain_language(chances: Chances) -> str | None:
    """Return the most probable language, where it is probable enough to go by."""
    return next((code for code, chance in chances.items() if chance >= CERTAIN), None)


def first_speech(
    path: Path, decoders: Decoders, detector: VoiceDetector, wishes: Wishes = ANYTHING
) -> Stretch | None:
    """Return the beginning of what is spoken in a recording; None: nobody speaks. Raises InvalidAudio."""
    with Recording(path, decoders, tagged(wishes)) as recording:
        return next(_stretches(recording, detector), None)


def _stretches(recording: Recording, detector: VoiceDetector) -> Iterator[Stretch]:
    cutter = Cutter(detector, LONG_FORM_RULES, Packing(SPEECH_SECONDS, SPEECH_SECONDS))
    for block in recording.blocks():
        yield from cutter.feed(block)
        if cutter.seconds >= SEARCH_SECONDS:
            break
    yield from cutter.finish()
