"""Any container and codec that FFmpeg's libraries read, block by block, to mono float32 at 16 kHz.

The content tells the format: names and MIME types are never looked at. Blocking; runs in a thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

from govor.errors import InvalidAudio
from govor.types import SAMPLE_RATE, Audio

BLOCK_SECONDS = 4.0
BAD_PACKETS = 10_000  # in a row, some minutes: then the rest of the file is taken for lost

# A playlist or concat script in an upload must not reach for other files or hosts: no protocol, no reach.
CONTAINER_OPTIONS = {"protocol_whitelist": "none"}

LENGTHLESS = frozenset({"aac", "ac3", "eac3", "dts", "loas", "truehd"})
"""Formats that are frames and nothing else: FFmpeg guesses from the first ones, once 15 times too high."""

log = logging.getLogger(__name__)


class Recording:
    """An opened recording and its default audio track. A context manager; iterate `blocks()` once."""

    duration: float | None
    """Seconds as the container states them; None: it does not."""

    def __init__(self, path: Path):
        """Open the file and decode its first sound. Raises InvalidAudio."""
        if path.stat().st_size == 0:
            raise InvalidAudio("The file is empty.", param="file")
        self._lock = threading.Lock()  # FFmpeg's memory must not be freed under the hands of a thread
        self._closed = False
        with ExitStack() as opened:
            container = opened.enter_context(_open(opened.enter_context(path.open("rb"))))
            frames = self._decode(container, _best_track(container))
            self._first = next(frames, None)
            if self._first is None:
                raise InvalidAudio("The file's audio track holds no sound that can be decoded.", param="file")
            self.duration = _stated_duration(container)
            self._frames = frames
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; safe to call twice, and while another thread reads blocks: they end."""
        self._closed = True  # before the lock: a thread that reads would take it again and again
        with self._lock:
            self._opened.close()
        self._frames = iter(())

    def blocks(self, seconds: float = BLOCK_SECONDS) -> Iterator[Audio]:
        """Yield (samples,) arrays of `seconds`, the last one shorter. Damaged parts are left out.

        Samples pass through 16-bit integers, as faster-whisper's and GigaAM's own loaders do, so that
        a model hears here exactly what it hears there.
        """
        size = round(seconds * SAMPLE_RATE)
        waiting: list[np.ndarray] = []
        have = 0
        for pcm in self._resampled():
            waiting.append(pcm)
            have += len(pcm)
            while have >= size:
                joined = np.concatenate(waiting)
                yield _to_float(joined[:size])
                waiting, have = [joined[size:]], have - size
        if have:
            yield _to_float(np.concatenate(waiting))

    def _resampled(self) -> Iterator[np.ndarray]:
        """Yield (samples,) int16 at 16 kHz mono; a change of rate or layout on the way is followed."""
        assert self._first is not None
        shape, resampler = _shape(self._first), _resampler()
        for frame in self._all_frames():
            if _shape(frame) != shape:
                yield from _pcm(resampler, None)
                shape, resampler = _shape(frame), _resampler()
            yield from _pcm(resampler, frame)
        yield from _pcm(resampler, None)

    def _all_frames(self) -> Iterator[AudioFrame]:
        assert self._first is not None
        yield self._first
        yield from self._frames

    def _decode(self, container: InputContainer, track: AudioStream) -> Iterator[AudioFrame]:
        """Yield frames as far as the file goes: bad packets are skipped, a torn end ends it."""
        bad, packets = 0, container.demux(track)
        while bad < BAD_PACKETS:
            with self._lock:
                packet = None if self._closed else _read(packets)
                if packet is None:
                    return
                frames = _frames(packet)
            bad = 0 if frames else bad + 1
            for frame in frames:
                frame.pts = None  # gaps and jumps in timestamps must not upset the resampler
                yield frame
        log.info("Decoding ends early after %d packets without sound", bad)


class _Nameless:
    """A file without its name: FFmpeg would let the suffix weigh in when it guesses the format."""

    def __init__(self, file: IO[bytes]):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _open(file: IO[bytes]) -> InputContainer:
    try:
        container = av.open(_Nameless(file), "r", options=CONTAINER_OPTIONS, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        reason = error.strerror if isinstance(error, FFmpegError) else str(error)
        raise InvalidAudio(
            f"The file is not audio or video that can be read: {reason}.", param="file"
        ) from error
    return container


def _best_track(container: InputContainer) -> AudioStream:
    track = container.streams.best("audio")
    if not isinstance(track, AudioStream):
        kinds = sorted({stream.type for stream in container.streams})
        raise InvalidAudio(
            f"The file has no audio track; it holds: {', '.join(kinds) or 'nothing'}.", param="file"
        )
    return track


def _read(packets: Iterator[Packet[AudioStream]]) -> Packet[AudioStream] | None:
    try:
        return next(packets, None)
    except FFmpegError as error:
        log.info("Reading ends early: %s", error)
        return None


def _frames(packet: Packet[AudioStream]) -> list[AudioFrame]:
    try:
        return [frame for frame in packet.decode() if frame.samples]
    except FFmpegError as error:
        log.debug("A packet cannot be decoded: %s", error)
        return []


def _stated_duration(container: InputContainer) -> float | None:
    if container.format.name in LENGTHLESS or container.duration is None or container.duration <= 0:
        return None
    return float(container.duration / av.time_base)


def _shape(frame: AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.layout.name, frame.format.name


def _resampler() -> av.AudioResampler:
    return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)


def _pcm(resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[np.ndarray]:
    """Yield (samples,) int16 of one frame; None flushes what the resampler still holds."""
    try:
        for out in resampler.resample(frame):
            yield out.to_ndarray().reshape(-1)
    except (FFmpegError, ValueError) as error:
        if frame is not None:
            raise InvalidAudio(
                f"The audio cannot be converted to 16 kHz mono: {error}", param="file"
            ) from error


def _to_float(pcm: np.ndarray) -> Audio:
    audio = pcm.astype(np.float32) / 32768.0
    audio.flags.writeable = False
    return audio
