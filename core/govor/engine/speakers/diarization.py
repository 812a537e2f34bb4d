"""Diarization of one recording, block by block. Knows nothing of HTTP or of texts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.diarization import CountedVoices, DiarizationStream, SpeakerTurn, Voices
from govor.contract.recognizers import Capability
from govor.engine.alignment.speaker_labels import Speakers
from govor.engine.model_pool.pool import Pool
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.engine.sources.request_audio import AudioReader, RequestAudio
from govor.errors import BackendUnavailable, InvalidParam, ModelUnloaded
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
        blocks: AudioReader,
        scheduler: ModelScheduler,
        known: Mapping[str, Voiceprint],
        queue_timer: QueueTimer,
        people: tuple[int, int | None] = (0, None),
    ):
        """`people`: least and greatest number of speakers."""
        self._scheduler = scheduler
        self._known = known
        self._blocks = blocks
        self._share = FairShare.of(blocks.audio.duration, blocks.audio.longest)
        self._queue_timer = queue_timer
        self._people = people
        self.seconds_stated = blocks.audio.duration
        """Length of the recording as its container states it."""
        self.seconds = 0.0
        """Seconds of the recording that the diarizer has had."""

    async def speakers(self) -> Speakers:
        """Run the diarizer over the whole recording and return its speakers.

        Raises AudioTooLong, InvalidAudio, TranscriptionFailed, QueueTimeout; ShuttingDown or ModelUnloaded
        if the diarizer is unloaded meanwhile.
        """
        try:
            turns = await self._listen(self._blocks)
        except (BackendUnavailable, ModelUnloaded):  # what it had heard is lost with it
            again = self._blocks.audio.again()
            if again is None:
                raise
            try:
                await again.open()
                blocks = again.reader(self._blocks.channel)
                again.begin()
                turns = await self._listen(blocks)
            finally:
                again.close()
        finally:
            self._blocks.close()
        return Speakers(turns, tuple(self._known))

    async def _listen(self, blocks: AudioReader) -> Sequence[SpeakerTurn]:
        self.seconds = 0.0
        begun = await self._scheduler.ask(self._begin, queue_timer=self._queue_timer)
        while (block := await blocks.next()) is not None:
            feed = partial(_feed, begun, block)
            await self._scheduler.ask(feed, self._share, _seconds(block), repeatable=False)
            self.seconds += _seconds(block)
        return await self._scheduler.ask(partial(_finish, begun), self._share, repeatable=False)

    def _begin(self, voices: Voices) -> tuple[Voices, DiarizationStream]:
        known = list(self._known.values())
        if self._people != (0, None) and Capability.COUNT in voices.info.capabilities:
            return voices, cast("CountedVoices", voices).stream_of(known, *self._people)
        return voices, voices.stream(known)


def _feed(begun: tuple[Voices, DiarizationStream], block: Audio, voices: Voices) -> None:
    _stream_of(begun, voices).feed(block)


def _finish(begun: tuple[Voices, DiarizationStream], voices: Voices) -> Sequence[SpeakerTurn]:
    return _stream_of(begun, voices).finish()


def _stream_of(begun: tuple[Voices, DiarizationStream], voices: Voices) -> DiarizationStream:
    """Return the stream. Raises ModelUnloaded if the diarizer was lost since, for another recording."""
    its_voices, stream = begun
    if its_voices is not voices:
        raise ModelUnloaded("The diarizer was lost while it listened to this recording.")
    return stream


def _seconds(block: Audio) -> float:
    return len(block) / SAMPLE_RATE


@asynccontextmanager
async def begin_diarization(
    audio: RequestAudio, asked: Diarize, pool: Pool, queue_timer: QueueTimer
) -> AsyncIterator[Diarization]:
    """Hold the diarizer for audio that is open. Raises InvalidParam if a reference has no speech."""
    async with AsyncExitStack() as stack:
        blocks = audio.reader()
        stack.callback(blocks.close)
        scheduler = (await stack.enter_async_context(pool.lease(asked.model))).scheduler
        known = {speaker.name: await _voiceprint(scheduler, speaker, queue_timer) for speaker in asked.known}
        people = (asked.least, asked.most)
        yield Diarization(blocks, scheduler, known, queue_timer, people)


async def _voiceprint(
    scheduler: ModelScheduler, speaker: KnownSpeaker, queue_timer: QueueTimer
) -> Voiceprint:
    found = await scheduler.ask(partial(_voice, audio=speaker.audio), queue_timer=queue_timer)
    if found is None:
        raise InvalidParam(f"Nobody can be heard in the reference of '{speaker.name}'.", param=REFERENCES)
    return found


def _voice(voices: Voices, audio: Audio) -> Voiceprint | None:
    return voices.voiceprint(audio)
