"""Any container and codec of `formats` to 16-bit mono at 16 kHz, packet by packet.

The content tells the format: a recording comes as a descriptor, without a name. Damaged parts become silence.
"""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import tempfile
import wave
from collections.abc import Iterator
from importlib import import_module
from itertools import chain, pairwise
from types import TracebackType
from typing import Any, Self

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from govor.decoder.audition import first_to_speak
from govor.decoder.clock import Clock, silent
from govor.decoder.formats import OPTIONS
from govor.decoder.lengths import longest, stated
from govor.decoder.mixing import channel_names, mono
from govor.decoder.refusals import Refused, check_memory
from govor.decoder.tracks import candidates, no_sound
from govor.decoder.waves import as_ffmpeg_reads
from govor.decoder.wire import Wishes

BAD_PACKETS = 10_000  # in a row, some minutes: then the rest of the file is taken for lost
LENIENT: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
"""Titles in any encoding must not keep a recording from being opened. PyAV 19 decodes none while it opens."""


class Descriptor:
    """A file without a name, as PyAV reads it. A seek that fails is FFmpeg's to deal with, not an
    exception."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        return os.read(self._descriptor, size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new position, or a negative errno as `avio_seek` does."""
        try:
            return os.lseek(self._descriptor, offset, whence)
        except (OSError, OverflowError) as error:
            return -(getattr(error, "errno", None) or errno.EINVAL)

    def tell(self) -> int:
        """Return the position, or a negative errno."""
        return self.seek(0, os.SEEK_CUR)


class Source:
    """An opened recording and one of its audio tracks, whose first sound is decoded. Raises Refused."""

    def __init__(self, descriptor: int, wishes: Wishes):
        self._wishes = wishes
        self._began = _position(descriptor)
        self._container = _open(descriptor)
        try:
            self._track = self._choose(descriptor)
            self._bytes = os.fstat(descriptor).st_size
            self._clock = Clock(self._container, self._bytes)
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise Refused(no_sound(self._container, wishes))
            self._channels = channel_names(self._first[0])
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def facts(self) -> dict[str, Any]:
        """What the container says: its format, the track's codec and the names of its `channels`, and the
        `duration` in seconds, if any that can be true; `longest`: the most that fits into the file."""
        most = longest(self._container, self._track, self._bytes)
        return {
            "format": self._container.format.name,
            "codec": self._track.codec_context.name,
            "channels": self._channels,
            "duration": stated(self._container, most),
            "longest": most,
        }

    @property
    def heard(self) -> float:
        """Seconds that have been decoded."""
        return self._clock.position - self._clock.filled

    @property
    def filled(self) -> float:
        """Seconds of silence in the place of sound that is missing."""
        return self._clock.filled

    def _choose(self, descriptor: int) -> AudioStream:
        """Return the track that is heard. Raises Refused."""
        tracks = candidates(self._container, self._wishes)
        index = tracks[0].stream.index
        if len(tracks) > 1 and self._began is not None:
            index = first_to_speak(self._container, tracks).stream.index  # gone when the container is closed
            self._container.close()
            os.lseek(descriptor, self._began, os.SEEK_SET)
            self._container = _open(descriptor)
        stream = self._container.streams[index]
        assert isinstance(stream, AudioStream)
        stream.codec_context.thread_count = 1  # more gain nothing, and take memory of the bound
        return stream

    def pcm(self) -> Iterator[bytes]:
        """Yield samples; a change of rate or layout on the way is followed. Raises Refused."""
        yield from mono(self._all_frames(), self._wishes.channel)

    def _all_frames(self) -> Iterator[AudioFrame]:
        """Yield frames, and silence in the place of those that are missing."""
        assert self._first is not None
        first, self._first = self._first, None
        for (frame, lost), (following, _) in pairwise(chain([first], self._frames, [(None, 0.0)])):
            assert frame is not None
            yield from silent(frame, self._clock.hole(frame, lost, following))
            frame.pts = None  # gaps and jumps in timestamps must not upset the resampler
            yield frame

    def _decode(self) -> Iterator[tuple[AudioFrame, float]]:
        """Yield frames as far as the file goes, each with the seconds of bad packets before it.

        A torn end ends it.
        """
        fruitless, lost, packets = 0, 0.0, self._container.demux(self._track)
        while fruitless < BAD_PACKETS:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                check_memory(error)
                return
            if packet is None:
                return
            try:
                frames = [frame for frame in packet.decode() if frame.samples]
            except FFmpegError as error:
                check_memory(error)
                frames = []
                lost += _seconds(packet)
            fruitless = 0 if frames else fruitless + 1
            for frame in frames:
                yield frame, lost
                lost = 0.0


def _seconds(packet: av.Packet[AudioStream]) -> float:
    if packet.duration is None or packet.time_base is None:
        return 0.0
    return max(0.0, float(packet.duration * packet.time_base))


def _position(descriptor: int) -> int | None:
    """Return where a file stands; None: it is a pipe, which cannot be read twice."""
    try:
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return None


def _open(descriptor: int) -> InputContainer:
    try:
        file = as_ffmpeg_reads(Descriptor(descriptor))
        container: InputContainer = av.open(file, "r", options=dict(OPTIONS), **LENIENT)
        return container
    except (FFmpegError, ValueError) as error:
        check_memory(error)
        if isinstance(error, FFmpegError) and error.errno == errno.EINVAL:
            raise Refused("The file is in no format of audio or video that is read here.") from error
        reason = error.strerror if isinstance(error, FFmpegError) else str(error)
        raise Refused(f"The file is not audio or video that can be read: {reason}.") from error


def import_all() -> None:
    """Import what PyAV imports when a file first holds it, such as subtitles: later nothing can be opened."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__") and not module.name.startswith("av.datasets"):
            import_module(module.name)


def warm_up() -> None:
    """Decode a moment of silence, so that what is loaded at the first use is loaded before it is needed."""
    with tempfile.TemporaryFile() as file:
        with wave.open(file, "wb") as wav:
            wav.setparams((2, 2, 44_100, 0, "NONE", ""))
            wav.writeframes(bytes(4 * 4410))
        file.seek(0)
        with Source(file.fileno(), Wishes()) as source:
            json.dumps(source.facts)
            list(source.pcm())
