"""Reads audio ahead of the model: finds speech, cuts chunks. The work on a block runs in a thread."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import replace

from govor.audio.chunking import Chunk, Chunker
from govor.audio.policy import plan
from govor.audio.resume import ChunkAudio, Resumption
from govor.contract.audio import Audio
from govor.contract.recognizers import VoiceDetector
from govor.contract.results import Notice
from govor.engine.scheduling.read_ahead import RequestPermits
from govor.engine.sources.request_audio import AudioReader
from govor.engine.transcription.work import Work
from govor.errors import BackendUnavailable, InvalidAudio
from govor.events import Report

MODEST_SECONDS = 60.0
"""Seconds of the longest chunk while the request may hold no longer ones."""


class ChunkReader:
    """The chunks of one recording, or of one channel of it, in order."""

    def __init__(
        self,
        work: Work,
        blocks: AudioReader,
        detector: VoiceDetector,
        permits: RequestPermits,
        report: Report,
        *,
        long_form: bool,
    ):
        """`permits` decides whether long chunks are allowed; `report` gets the time that cutting took."""
        self._blocks = blocks
        self._permits = permits
        self._report = report
        rules, self._packing = plan(work.model.spec, long_form, work.rules)
        self._modest = replace(self._packing, maximum=MODEST_SECONDS, target=MODEST_SECONDS, overlap=0.0)
        self._chunker = Chunker(detector, rules, self._packing)
        self._resumption = Resumption(work.begin_at, rules.padding, whole=work.apart is not None)
        self._ready: deque[Chunk] = deque()
        self._ended = False
        self.settled = 0.0
        """Seconds of the recording before which no further chunk begins."""

    @property
    def seconds(self) -> float:
        """Seconds of the recording decoded so far."""
        return self._chunker.seconds

    @property
    def seconds_stated(self) -> float | None:
        """Length of the recording as its container states it, or the seconds read, if that is more."""
        stated = self._blocks.audio.duration
        return None if stated is None else max(stated, self.seconds)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Parts of the recording that were not decoded; known once it has been read to its end."""
        return self._blocks.audio.notices

    async def next(self) -> Chunk | None:
        """Return the next chunk that an earlier attempt has not finished; None: there is none.

        Raises AudioTooLong, InvalidAudio and the errors of voice detection. One call at a time.
        """
        while not self._ready and not self._ended:
            self.settled = self._chunker.settled
            block = await self._blocks.next()
            self._ended = block is None
            self._ready += await asyncio.get_running_loop().run_in_executor(None, self._cut, block)
        return self._ready.popleft() if self._ready else None

    async def reread(self, chunk: Chunk) -> Audio:
        """Return the audio of a chunk that was read before. Raises BackendUnavailable if it is gone."""
        audio, taken = self._blocks.audio.again(), ChunkAudio(chunk)
        if audio is None:
            raise BackendUnavailable("The model was lost, and the audio that it had cannot be read again.")
        try:
            await audio.open()
            blocks = audio.reader(self._blocks.channel)
            audio.begin()
            while taken.missing and (block := await blocks.next()) is not None:
                taken.add(block)
        finally:
            audio.close()
        if taken.missing:
            raise InvalidAudio("The recording has become shorter while it was transcribed.", param="file")
        return taken.audio

    def close(self) -> None:
        """Read no further."""
        self._blocks.close()

    def _cut(self, block: Audio | None) -> list[Chunk]:
        """Return the chunks that a block completes, or the end of the recording. Runs in a thread."""
        began = time.monotonic()
        if block is None:
            chunks = list(self._chunker.finish())
        else:
            long = self._chunker.held > MODEST_SECONDS
            modest = long and not self._permits.may_hold_long()
            self._chunker.packing = self._modest if modest else self._packing
            chunks = list(self._chunker.feed(block))
        rests = [rest for chunk in chunks if (rest := self._resumption.rest(chunk)) is not None]
        self._report.decoded(began, time.monotonic() - began)
        return rests
