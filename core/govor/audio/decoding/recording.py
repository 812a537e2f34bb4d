"""Decode any container and codec, block by block, to mono float32 at 16 kHz.

FFmpeg's libraries do it in a separate process, `govor.decoder`; this is the server's end of it. The content
determines the format: names and MIME types are ignored. Blocking; runs in a thread.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from govor.audio.decoding.processes import Decoders, Process, end, exit_status, wake
from govor.contract.audio import BLOCK_SECONDS, SAMPLE_RATE, Audio
from govor.contract.results import Notice
from govor.decoder import wire
from govor.decoder.wire import TrackSelection
from govor.errors import DecoderLost, GovorError, InvalidAudio

STALL_SECONDS = 120.0
"""Longest time without a sign of the decoder while the server waits for it. The decoder's CPU time is
bounded, so then the disk is the cause, or the machine has no time for it.
"""

LOST = "The decoder's process was ended from outside; send the recording again."

CRASHED = "The file makes its decoder fail ({}); it is damaged, or made to do harm."
TOO_SLOW = "Decoding the file takes more computing time than its length justifies."

SELECTION_FIELDS = frozenset({"track", "channel"})
"""Request fields that can make a decoder refuse a faultless recording."""

ANYTHING = TrackSelection()
"""The most suitable track, its channels mixed down."""

log = logging.getLogger(__name__)


class ForkServerEnded(DecoderLost):
    """The decoder process ended together with the fork server."""


class Recording:
    """One recording and its decoder. A context manager; iterate `blocks()` once.

    Any thread may call `close` at any time: it never waits, and a thread that reads gets no more blocks.
    """

    duration: float | None = None
    """Seconds that the container states; None: it states none, or the file is too small for them. Known once
    the recording is open.
    """
    notices: tuple[Notice, ...] = ()
    """Parts that were not decoded. Known once all blocks were yielded."""
    longest: float | None = None
    """Most seconds that a file of this size can hold; None: unknown. Known once the recording is open."""

    track: int = 0
    """Number of the selected audio track, from 0. Known once the recording is open."""

    tracks: int = 1
    """Number of audio tracks. Known once the recording is open."""

    channels: tuple[str, ...] = ()
    """Names of the track's channels in plain words, or numbers from 1 if the track names none. Known once the
    recording is open.
    """

    def __init__(self, path: Path, decoders: Decoders, selection: TrackSelection = ANYTHING):
        self._path = path
        self._decoders = decoders
        self._selection = selection
        self._process: Process | None = None
        self._held = threading.Lock()  # held for moments only, while closing or beginning to read
        self._reading = self._closed = False

    def open(self) -> Self:
        """Decode the first sound. Raises InvalidAudio, DecodersUnavailable, DecoderLost, OSError."""
        with self._path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if stat.S_ISREG(facts.st_mode) and facts.st_size == 0:
                raise InvalidAudio("The file is empty.", param="file")
            try:
                self._begin(file)
            except ForkServerEnded:  # a new one is started
                file.seek(0)
                self._begin(file)
        return self

    def _begin(self, file: IO[bytes]) -> None:
        process = self._decoders.begin(file, self._selection)
        process.answer.settimeout(STALL_SECONDS)
        with self._held:
            self._process = process
            closed = self._closed
        if closed:  # closed while the process was started: no other code would release it
            self._let_go()
            return
        try:
            frame = self._frame()
        except BaseException:
            self._let_go()
            raise
        if frame is not None:
            facts = json.loads(frame[1])
            self.duration, self.longest = facts["duration"], facts["longest"]
            self.channels, self.track = tuple(facts["channels"]), facts["track"]
            self.tracks = facts["tracks"]

    def __enter__(self) -> Self:
        return self if self._process is not None else self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and end its process; safe to call twice, and while another thread reads."""
        self._closed = True
        self._let_go()

    def blocks(self, seconds: float = BLOCK_SECONDS) -> Iterator[Audio]:
        """Yield (samples,) arrays of `seconds`, the last one shorter. Damaged parts are silence.

        Samples pass through 16-bit integers, as in faster-whisper's and GigaAM's own loaders, so that a model
        gets the same samples here as there. Raises InvalidAudio, DecoderLost.
        """
        for (block,) in self.channel_blocks(seconds):
            yield block

    def channel_blocks(self, seconds: float = BLOCK_SECONDS) -> Iterator[tuple[Audio, ...]]:
        """Yield blocks as `blocks` does, of each channel if the selection has them apart."""
        size = round(seconds * SAMPLE_RATE)
        waiting: list[NDArray[np.int16]] = []
        have = 0
        for pcm in self._pcm():
            waiting.append(pcm)
            have += pcm.shape[1]
            while have >= size:
                joined = np.concatenate(waiting, axis=1)
                yield tuple(_to_float(row) for row in joined[:, :size])
                waiting, have = [joined[:, size:]], have - size
        if have:
            yield tuple(_to_float(row) for row in np.concatenate(waiting, axis=1))

    def _pcm(self) -> Iterator[NDArray[np.int16]]:
        """Yield (channels, samples) at 16 kHz, or one row, until the recording ends or is closed."""
        count = len(self.channels)
        rows = count if self._selection.apart and 1 < count <= wire.MOST_APART else 1
        try:
            while (frame := self._frame()) is not None and frame[0] != wire.END:
                yield np.frombuffer(frame[1], np.int16).reshape(rows, -1)
            if frame is not None:
                self.notices = tuple(Notice(**each) for each in json.loads(frame[1])["notices"])
                if self.notices:
                    log.info(
                        "Not all of a recording was decoded: %s",
                        " ".join(notice.message for notice in self.notices),
                    )
        finally:
            self._let_go()

    def _frame(self) -> tuple[bytes, bytes] | None:
        """Return kind and content of the next frame; None: the recording is closed.

        Raises InvalidAudio, DecoderLost.
        """
        with self._held:
            process = None if self._closed else self._process
            self._reading = process is not None
        if process is None:
            return None
        try:
            frame = wire.receive(process.answer)
        except OSError as error:
            if self._closed:
                return None
            raise self._explained(error) from error
        finally:
            with self._held:
                self._reading = False
            if self._closed:
                self._let_go()
        if frame[0] == wire.REFUSED:
            raise self._refusal(json.loads(frame[1]))
        return frame

    def _let_go(self) -> None:
        with self._held:
            process = self._process
            if process is None:
                return
            if self._reading:  # the thread that reads wakes up and releases it
                wake(process)
                return
            self._process = None
        end(process)

    def _refusal(self, why: dict[str, str]) -> GovorError:
        reason, message = why["reason"], why["message"]
        if reason == "disk":
            return DecoderLost(message)
        if reason in SELECTION_FIELDS:
            return InvalidAudio(message, param=reason)
        if reason != "unreadable":
            self._fault(reason)
        return InvalidAudio(message, param="file")

    def _explained(self, error: Exception) -> GovorError:
        """Return the error for an answer that broke off."""
        if isinstance(error, TimeoutError):
            self._fault("stalled")
            return DecoderLost(f"For {STALL_SECONDS:g} seconds nothing could be read of the recording.")
        status = None if self._process is None else exit_status(self._process)
        if status is None:
            self._fault("lost")
            return ForkServerEnded(LOST)
        reason, fault = explain_end(status)
        self._fault(reason)
        return fault

    def _fault(self, reason: str) -> None:
        log.warning("A recording could not be decoded: %s", reason)
        self._decoders.fault(reason)


def explain_end(status: int) -> tuple[str, GovorError]:
    """Return a word and an error for a decoder process that ended before its recording did."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return "cpu", InvalidAudio(TOO_SLOW, param="file")
    outside = number == signal.SIGKILL  # by the system, which lacks memory, or by a person
    if outside or status == wire.NOT_STARTED or os.waitstatus_to_exitcode(status) == wire.UNCONFINED:
        return "lost", DecoderLost(LOST)
    how = signal.Signals(number).name if number in set(signal.Signals) else f"status {status}"
    return "crash", InvalidAudio(CRASHED.format(how), param="file")


def _to_float(pcm: NDArray[np.int16]) -> Audio:
    audio = pcm.astype(np.float32) / 32768.0
    audio.flags.writeable = False
    return audio
