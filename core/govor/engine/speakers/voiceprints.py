"""The embedding of the voice in a recording, made by the diarizer. Knows nothing of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.diarization import VoiceEmbedder, Voices
from govor.contract.recognizers import Capability
from govor.engine.model_pool.pool import Pool
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.sources.request_audio import AudioReader, RequestAudio
from govor.errors import UnsupportedOperation
from govor.models.catalogue import Model

EMBEDDED_SECONDS = 60.0
"""Seconds of a recording that are embedded: more audio does not describe the voice better."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector that distinguishes a voice from others."""

    vector: NDArray[np.float32]
    """(dimensions,) float32, of unit length."""
    samples: int
    """Samples at 16 kHz that were embedded."""


async def embed_voice(audio: RequestAudio, model: Model, pool: Pool, queue_timer: QueueTimer) -> Embedding:
    """Return the embedding of the voice in the first `EMBEDDED_SECONDS` of a recording.

    Raises UnsupportedOperation if the diarizer returns no vectors; InvalidAudio, AudioTooLong, the errors
    of a load, TranscriptionFailed, QueueTimeout.
    """
    try:
        await audio.open()
        voice = await _beginning(audio.reader())
    finally:
        audio.close()
    async with pool.lease(model) as loaded:
        vector = await loaded.scheduler.ask(partial(_embed, audio=voice), queue_timer=queue_timer)
    if vector is None:
        raise UnsupportedOperation(f"The diarizer '{model.id}' gives no vectors of voices.", param="model")
    return Embedding(vector, len(voice))


def _embed(voices: Voices, audio: Audio) -> NDArray[np.float32] | None:
    can_embed = Capability.EMBED in voices.info.capabilities
    return cast("VoiceEmbedder", voices).embed(audio) if can_embed else None


async def _beginning(reader: AudioReader) -> Audio:
    blocks, samples = [np.zeros(0, np.float32)], 0
    while samples < EMBEDDED_SECONDS * SAMPLE_RATE and (block := await reader.next()) is not None:
        blocks.append(block)
        samples += len(block)
    return np.concatenate(blocks)[: round(EMBEDDED_SECONDS * SAMPLE_RATE)]
