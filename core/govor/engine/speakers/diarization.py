"""Diarization of one recording, block by block. Knows nothing of HTTP or of texts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from govor.audio.decoding.opening import check_length, open_recording
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import ANYTHING, BLOCK_SECONDS, Recording
from govor.contract.diarization import CountedVoices, DiarizationStream, Voices
from govor.contract.recognition import SAMPLE_RATE, Audio, Capability
from govor.decoder.wire import TrackSelection
from govor.engine.alignment.speaker_labels import Speakers
from govor.engine.model_pool.pool import Pool
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.errors import InvalidParam
from govor.models.catalogue import Model

Voiceprint: TypeAlias = NDArray[np.float32]

REFERENCES = "known_speaker_references"


@dataclass(frozen=True, slots=True)
class KnownSpeaker:
    """A speaker's name, with a reference: some seconds of that voice alone, (samples,) float32 at 16 kHz."""

    name: str
    audio: Audio


@dataclass(frozen=True, slots=True)
class Diarize:
    """A request for diarization: the model, the known speakers, the number of speakers."""

    model: Model
    known: tuple[KnownSpeaker, ...] = ()
    least: int = 0
    """Least number of speakers."""
    most: int | None = None
    """Greatest number of speakers; None: unknown."""


class Diarization:
    """The diarization of one recording. Between two blocks, other requests may use the diarizer."""

    def __init__(
        self,
        recording: Recording,
        scheduler: ModelScheduler,
        known: Mapping[str, Voiceprint],
        max_seconds: float,
        queue_timer: QueueTimer,
        people: tuple[int, int | None] = (0, None),
    ):
        """`max_seconds`: longest recording, 0: any. `people`: least and greatest number of speakers."""
        self._scheduler = scheduler
        self._known = known
        self._blocks = recording.blocks()
        self._share = FairShare.of(recording)
        self._max_seconds = max_seconds
        self._queue_timer = queue_timer
        self._people = people
        self.seconds_stated = recording.duration
        """Length of the recording as its container states it."""
        self.seconds = 0.0
        """Seconds of the recording that are decoded."""

    async def speakers(self) -> Speakers:
        """Run the diarizer over the whole recording and return its speakers.

        Raises AudioTooLong, InvalidAudio, TranscriptionFailed, QueueTimeout; ShuttingDown or ModelUnloaded
        if the diarizer is unloaded meanwhile.
        """
        stream = await self._scheduler.ask(self._begin, queue_timer=self._queue_timer)
        while await self._scheduler.ask(lambda voices: self._advance(stream), self._share, BLOCK_SECONDS):
            pass
        return Speakers(
            await self._scheduler.ask(lambda voices: stream.finish(), self._share), tuple(self._known)
        )

    def _begin(self, voices: Voices) -> DiarizationStream:
        known = list(self._known.values())
        if self._people != (0, None) and Capability.COUNT in voices.info.capabilities:
            return cast("CountedVoices", voices).stream_of(known, *self._people)
        return voices.stream(known)

    def _advance(self, stream: DiarizationStream) -> bool:
        """Feed the next block to the diarizer; return whether there was one. Runs in a worker thread."""
        block = next(self._blocks, None)
        if block is None:
            return False
        stream.feed(block)
        self.seconds += len(block) / SAMPLE_RATE
        check_length(self.seconds, self._max_seconds)
        return True


@asynccontextmanager
async def begin_diarization(
    path: Path,
    asked: Diarize,
    decoders: Decoders,
    pool: Pool,
    max_seconds: float,
    queue_timer: QueueTimer,
    selection: TrackSelection = ANYTHING,
) -> AsyncIterator[Diarization]:
    """Open the recording and hold the diarizer. Raises InvalidParam if a reference has no speech."""
    async with AsyncExitStack() as stack:
        recording = await open_recording(path, decoders, max_seconds, selection)
        stack.callback(recording.close)
        scheduler = (await stack.enter_async_context(pool.lease(asked.model))).scheduler
        known = {speaker.name: await _voiceprint(scheduler, speaker, queue_timer) for speaker in asked.known}
        people = (asked.least, asked.most)
        yield Diarization(recording, scheduler, known, max_seconds, queue_timer, people)


async def _voiceprint(
    scheduler: ModelScheduler, speaker: KnownSpeaker, queue_timer: QueueTimer
) -> Voiceprint:
    found = await scheduler.ask(partial(_voice, audio=speaker.audio), queue_timer=queue_timer)
    if found is None:
        raise InvalidParam(f"Nobody can be heard in the reference of '{speaker.name}'.", param=REFERENCES)
    return found


def _voice(voices: Voices, audio: Audio) -> Voiceprint | None:
    return voices.voiceprint(audio)
