"""Detects the language of a recording's first speech, by a model that can."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from govor.audio.chunking import Chunk, Chunker, ChunkSizes
from govor.audio.policy import LONG_FORM_RULES
from govor.contract.audio import Audio
from govor.contract.recognizers import LanguageDetector, VoiceDetector
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.model_pool.loaded_models import Loaded
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.sources.request_audio import AudioReader

Chances = Mapping[str, float]
"""ISO 639-1 codes with their probabilities, the most probable first."""

SPEECH_SECONDS = 30.0
"""Seconds of speech that a model gets for detection: Whisper's window."""

SEARCH_SECONDS = 180.0
"""Seconds of a recording that are searched for speech."""

CERTAIN = 0.5
"""Least probability at which a language counts as detected."""


async def language_chances(
    loaded: Loaded,
    blocks: AudioReader,
    detector: VoiceDetector,
    ticket: AdmissionTicket,
    among: Collection[str] = (),
) -> Chances:
    """Return the probability of each language of the first speech, among the codes in `among` if given.

    Reads until there are `SPEECH_SECONDS` of speech; empty: no speech was found. Raises InvalidAudio,
    TranscriptionFailed, QueueTimeout.
    """
    chunk = await first_speech(blocks, detector)
    if chunk is None:
        return {}
    with closing(QueueTimer(ticket)) as queue_timer:
        found = await loaded.scheduler.ask(partial(_detect, audio=chunk.audio), queue_timer=queue_timer)
    chances = {code: chance for code, chance in found if not among or code in among}
    whole = sum(chances.values()) if among else 1.0
    ranked = sorted(chances.items(), key=lambda pair: -pair[1])
    return {code: chance / whole if whole else 0.0 for code, chance in ranked}


def _detect(model: LanguageDetector, audio: Audio) -> Sequence[tuple[str, float]]:
    return [(code, float(chance)) for code, chance in model.detect(audio)]


def certain_language(chances: Chances) -> str | None:
    """Return the most probable language if its probability is at least `CERTAIN`."""
    return next((code for code, chance in chances.items() if chance >= CERTAIN), None)


async def first_speech(blocks: AudioReader, detector: VoiceDetector) -> Chunk | None:
    """Return the first speech of a recording; None: no speech was found. Raises InvalidAudio."""
    cutter = Chunker(detector, LONG_FORM_RULES, ChunkSizes(SPEECH_SECONDS, SPEECH_SECONDS))
    while cutter.seconds < SEARCH_SECONDS and (block := await blocks.next()) is not None:
        chunk = await asyncio.to_thread(_first, cutter.feed(block))
        if chunk is not None:
            return chunk
    return await asyncio.to_thread(_first, cutter.finish())


def _first(chunks: Iterator[Chunk]) -> Chunk | None:
    return next(chunks, None)
