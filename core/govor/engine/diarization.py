"""One recording's way through the diarizer, block by block. Knows nothing of HTTP or of texts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from govor.audio.decode import Recording
from govor.engine.lane import Lane
from govor.engine.opening import check_length, open_recording
from govor.engine.pool import Pool
from govor.engine.speakers import Speakers
from govor.errors import InvalidParam
from govor.models.catalogue import Model
from govor.types import SAMPLE_RATE, Audio
from govor.voices import Voices

Voiceprint: TypeAlias = NDArray[np.float32]

REFERENCES = "known_speaker_references"


@dataclass(frozen=True, slots=True)
class KnownSpeaker:
    """A name, and some seconds of that voice alone."""

    name: str
    audio: Audio


@dataclass(frozen=True, slots=True)
class Diarize:
    """Whose recording it is: what tells the speakers apart, and who is known."""

    model: Model
    known: tuple[KnownSpeaker, ...] = ()


class Diarization:
    """Who speaks when in one recording. Between two blocks, others may use the diarizer."""

    def __init__(
        self, recording: Recording, lane: Lane, known: Mapping[str, Voiceprint], max_seconds: float = 0.0
    ):
        """`max_seconds` is the longest recording taken; 0: any."""
        self._lane = lane
        self._known = tuple(known)
        self._blocks = recording.blocks()
        self._stream = _voices(lane).stream(list(known.values()))
        self._max_seconds = max_seconds
        self.seconds_stated = recording.duration
        """Length of the recording as its container states it."""
        self.seconds = 0.0
        """Of the recording, decoded so far."""

    async def speakers(self) -> Speakers:
        """Hear the whole recording. Raises AudioTooLong, InvalidAudio, TranscriptionFailed, ShuttingDown."""
        while await self._lane.call(self._advance):
            pass
        return Speakers(await self._lane.call(self._stream.finish), self._known)

    def _advance(self) -> bool:
        """Hear the next block; tell whether there was one. Runs in a worker thread."""
        block = next(self._blocks, None)
        if block is None:
            return False
        self._stream.feed(block)
        self.seconds += len(block) / SAMPLE_RATE
        check_length(self.seconds, self._max_seconds)
        return True


@asynccontextmanager
async def begin_diarization(
    path: Path, asked: Diarize, pool: Pool, max_seconds: float
) -> AsyncIterator[Diarization]:
    """Open the recording and hold the diarizer. Raises InvalidParam where in a reference nobody speaks."""
    async with AsyncExitStack() as stack:
        recording = await open_recording(path, max_seconds)
        stack.callback(recording.close)
        lane = (await stack.enter_async_context(pool.lease(asked.model))).lane
        known = {speaker.name: await _voiceprint(lane, speaker) for speaker in asked.known}
        yield Diarization(recording, lane, known, max_seconds)


async def _voiceprint(lane: Lane, speaker: KnownSpeaker) -> Voiceprint:
    found = await lane.call(_voices(lane).voiceprint, speaker.audio)
    if found is None:
        raise InvalidParam(f"Nobody can be heard in the reference of '{speaker.name}'.", param=REFERENCES)
    return found


def _voices(lane: Lane) -> Voices:
    return cast("Voices", lane.recognizer)
