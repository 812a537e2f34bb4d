"""The audio of one request: opened when it is first needed, and decoded once for all that read it.

The choice of a model by language reads its beginning, then the transcription all of it, and beside that the
diarizer; of separate channels each is read by a transcription of its own. Runs in the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from govor.audio.decoding.opening import check_length, open_recording, tagged
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import ANYTHING, Recording
from govor.contract.audio import BLOCK_SECONDS, SAMPLE_RATE, Audio, AudioSource, array_fault
from govor.contract.results import Notice
from govor.decoder.wire import TrackSelection
from govor.engine.sources.live_audio import LiveAudio
from govor.engine.sources.shared_blocks import Block, BlockReader, SharedBlocks
from govor.errors import GovorError, InvalidAudio, TranscriptionFailed, reason
from govor.plugins import OURS

CANCELLED = 0.25
"""Channels cancel each other if the energy of their mix is below this share of the loudest one's."""

MONO = ("mono",)

Source: TypeAlias = Path | AudioSource | LiveAudio
"""A recording's file, audio that is there, or audio that is still coming."""

log = logging.getLogger(__name__)


class RequestAudio:
    """A recording or another source of audio, for everything of one request that reads it."""

    def __init__(
        self,
        source: Source,
        decoders: Decoders,
        selection: TrackSelection = ANYTHING,
        *,
        max_seconds: float = 0.0,
        apart: bool = False,
    ):
        """`max_seconds`: longest audio, 0: any. `apart`: its channels may be read apart."""
        self._source = source
        self._decoders = decoders
        self._selection = replace(selection, apart=apart)
        self._max_seconds = max_seconds
        self._opened: Recording | AudioSource | None = None
        self._opened_as: TrackSelection | None = None
        self._shared: SharedBlocks | None = None
        self._blocks: Iterator[Block] = iter(())
        self._seconds = 0.0
        self.observe: Callable[[float, float], None] | None = None
        """Called after each block with the time at which its decoding began and the seconds that it took."""

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._shared is not None

    @property
    def duration(self) -> float | None:
        """Seconds that the source states; None: it states none, or was not opened."""
        return None if self._opened is None else self._opened.duration

    @property
    def longest(self) -> float | None:
        """Most seconds that a file of this size can hold; None: unknown."""
        return self._opened.longest if isinstance(self._opened, Recording) else None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self._opened.channels if isinstance(self._opened, Recording) else MONO

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Parts that were not decoded; known once all blocks were read, also after `close`."""
        return self._opened.notices if isinstance(self._opened, Recording) else ()

    async def open(self, languages: Collection[str] = ()) -> None:
        """Open it, unless it is open and all its blocks are still there; prefer a track in these languages.

        It is opened again if another of several tracks may be preferred than at the last time. Raises
        InvalidAudio, AudioTooLong, DecoderLost, DecodersUnavailable.
        """
        wanted = tagged(self._selection, languages)
        is_whole = self._shared is not None and not self._shared.begun
        if is_whole and (wanted == self._opened_as or not self._has_tracks):
            return
        self._release()
        if isinstance(self._source, Path):
            recording = await open_recording(self._source, self._decoders, self._max_seconds, wanted)
            self._opened, self._blocks = recording, recording.channel_blocks()
        elif not isinstance(self._source, LiveAudio):
            check_length(self._source.duration or 0.0, self._max_seconds)
            self._opened, self._blocks = self._source, _checked(self._source)
        self._opened_as, self._seconds = wanted, 0.0
        self._shared = SharedBlocks(self._read)

    @property
    def _has_tracks(self) -> bool:
        return isinstance(self._opened, Recording) and self._opened.tracks > 1

    def again(self) -> RequestAudio | None:
        """Return the same audio, not open; None: its source cannot be read twice."""
        if not isinstance(self._source, Path):
            return None
        selection = self._opened_as or self._selection
        return RequestAudio(
            self._source,
            self._decoders,
            selection,
            max_seconds=self._max_seconds,
            apart=self._selection.apart,
        )

    def reader(self, channel: int | None = None) -> AudioReader:
        """Return a reader of one channel, or of all mixed down. After `open`, and before `begin`."""
        assert self._shared is not None
        return AudioReader(self, self._shared.reader(), channel)

    def begin(self) -> None:
        """Hold blocks only until all readers have had them: there will be no further reader."""
        assert self._shared is not None
        self._shared.begin()

    def close(self) -> None:
        """Close the source and end all readers. Safe to call twice."""
        self._release()
        if not isinstance(self._source, Path):
            self._source.close()

    def _release(self) -> None:
        if self._shared is not None:
            self._shared.close()
        if isinstance(self._opened, Recording):
            self._opened.close()
        self._shared = None

    async def _read(self) -> Block | None:
        """Return the next block. Raises AudioTooLong behind a block that exceeds the limit, and the errors of
        the source, as GovorError.
        """
        check_length(self._seconds, self._max_seconds)
        began = time.monotonic()
        try:
            block = await self._next()
        except (GovorError, *OURS):
            raise
        except BaseException as error:  # a source of a plugin may raise anything
            log.exception("Reading the recording failed")
            raise TranscriptionFailed(f"Reading failed: {reason(error)}") from error
        if self.observe is not None:
            self.observe(began, time.monotonic() - began)
        if block is not None:
            self._seconds += len(block[0]) / SAMPLE_RATE
        return block

    async def _next(self) -> Block | None:
        if isinstance(self._source, LiveAudio):
            audio = await self._source.read()
            return None if audio is None else (audio,)
        return await asyncio.get_running_loop().run_in_executor(None, next, self._blocks, None)


class AudioReader:
    """Reads the audio of a request, one channel of it or all mixed down."""

    def __init__(self, audio: RequestAudio, blocks: BlockReader, channel: int | None):
        self.audio = audio
        self.channel = channel
        """Number of the channel; None: all are mixed down."""
        self._blocks = blocks

    async def next(self) -> Audio | None:
        """Return the next block, (samples,) float32; None: there is none. Raises GovorError."""
        block = await self._blocks.next()
        if block is None:
            return None
        return _mixed(block) if self.channel is None else block[self.channel]

    def close(self) -> None:
        """End it, so that it holds no other reader back; safe to call twice."""
        self._blocks.close()


def _mixed(block: Block) -> Audio:
    """Return the mean of the channels, or the loudest one if the others cancel it."""
    if len(block) == 1:
        return block[0]
    mean: Audio = np.stack(block).mean(axis=0, dtype=np.float32)
    loudest = max(block, key=lambda row: float(np.dot(row, row)))
    total = mean * len(block)
    cancelled = np.dot(total, total) < CANCELLED * np.dot(loudest, loudest)
    return loudest if cancelled else _frozen(mean)


def _checked(source: AudioSource) -> Iterator[Block]:
    """Yield the audio of a plugin's source in blocks as long as those of a recording."""
    size = round(BLOCK_SECONDS * SAMPLE_RATE)
    waiting: list[Audio] = []
    have = 0
    for block in source.blocks():
        if fault := array_fault(block):
            raise InvalidAudio(fault)
        waiting.append(block)
        have += len(block)
        if have >= size:
            joined = np.concatenate(waiting)
            whole = have // size * size
            for start in range(0, whole, size):
                yield (_frozen(joined[start : start + size]),)
            waiting, have = [joined[whole:]], have - whole
    if have:
        yield (_frozen(np.concatenate(waiting)),)


def _frozen(audio: Audio) -> Audio:
    audio.flags.writeable = False
    return audio
