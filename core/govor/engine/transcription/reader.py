"""Reads a recording ahead of the model: decodes it, finds speech, cuts chunks. Runs in threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

from govor.audio.chunking import Chunk, Chunker
from govor.audio.decoding.opening import check_length
from govor.audio.decoding.recording import Recording
from govor.audio.policy import plan
from govor.audio.resume import audio_of, unheard
from govor.contract.recognition import Audio, Notice, VoiceDetector
from govor.engine.scheduling.read_ahead import RequestPermits
from govor.engine.transcription.work import Work
from govor.errors import TranscriptionFailed, reason
from govor.events import Report

MODEST_SECONDS = 60.0
"""Seconds of the longest chunk while the request may hold no longer ones."""


class ChunkReader:
    """The chunks of one recording, in order. Any thread may read the properties."""

    def __init__(
        self,
        work: Work,
        recording: Recording,
        detector: VoiceDetector,
        permits: RequestPermits,
        report: Report,
        *,
        long_form: bool,
    ):
        """`permits` decides whether long chunks are allowed; `report` gets the time that decoding took."""
        self._work = work
        self._recording = recording
        self._permits = permits
        self._report = report
        rules, self._packing = plan(work.model.spec, long_form, work.rules)
        self._chunker = Chunker(detector, rules, self._packing)
        self._padding = rules.padding
        self._chunks = self._all_chunks()
        self.settled = 0.0
        """Seconds of the recording before which no further chunk begins."""

    @property
    def seconds(self) -> float:
        """Seconds of the recording decoded so far."""
        return self._chunker.seconds

    @property
    def seconds_stated(self) -> float | None:
        """Length of the recording as its container states it, or the seconds read, if that is more."""
        stated = self._recording.duration
        return None if stated is None else max(stated, self.seconds)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Parts of the recording that were not decoded; known once it has been read to its end."""
        return self._recording.notices

    def next(self) -> Chunk | None:
        """Return the next chunk; None: there is none. Runs in a thread, one call at a time.

        Raises AudioTooLong, InvalidAudio and the errors of voice detection.
        """
        began = time.monotonic()
        try:
            return next(self._chunks, None)
        finally:
            self._report.decoded(began, time.monotonic() - began)

    async def reread(self, chunk: Chunk) -> Audio:
        """Return the audio of a chunk that was read before. Raises InvalidAudio and the like."""
        try:
            return await asyncio.to_thread(_read_again, self._recording, chunk)
        except (OSError, ValueError) as error:
            raise TranscriptionFailed(f"The recording cannot be read again: {reason(error)}") from error

    def _all_chunks(self) -> Iterator[Chunk]:
        """Yield the chunks that an earlier attempt has not finished."""
        whole = self._work.parties is not None
        yield from unheard(self._cut(), self._work.begin_at, self._padding, whole=whole)

    def _cut(self) -> Iterator[Chunk]:
        modest = replace(self._packing, maximum=MODEST_SECONDS, target=MODEST_SECONDS, overlap=0.0)
        for block in self._recording.blocks():
            long = self._chunker.held > MODEST_SECONDS
            self._chunker.packing = modest if long and not self._permits.may_hold_long() else self._packing
            yield from self._chunker.feed(block)
            self.settled = self._chunker.settled
            check_length(self._chunker.seconds, self._work.max_seconds)
        yield from self._chunker.finish()


def _read_again(recording: Recording, chunk: Chunk) -> Audio:
    with recording.again() as again:
        return audio_of(chunk, again.blocks())
