"""One container in a file and one of its audio tracks, decoded frame by frame."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from govor.decoder.containers.concatenation import FOLLOWED, end_of_boxes, lacks_index, next_beginning
from govor.decoder.containers.track_probe import first_to_speak
from govor.decoder.containers.tracks import candidates, no_sound
from govor.decoder.containers.wav_headers import as_ffmpeg_reads, end_of_chunks
from govor.decoder.formats import OPTIONS
from govor.decoder.refusals import Refused, check_memory
from govor.decoder.wire import TrackSelection

SUSPICIOUS = 8
"""Packets in a row without a frame after which the file is searched for the start of another recording."""

NO_INDEX = (
    "The file is an MP4 without its index (the box 'moov'), which recorders write last: "
    "the recording or its upload was cut off."
)

BAD_PACKETS = 10_000  # in a row, some minutes: then the rest of the file counts as lost
LENIENT: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
"""Titles in any encoding must not keep a recording from being opened. PyAV 19 decodes none while it opens."""


class Descriptor:
    """A file without a name, as PyAV reads it. A failed seek gives FFmpeg an error code, no exception."""

    def __init__(self, descriptor: int, start: int = 0, end: int | None = None):
        """Only the bytes from `start` up to `end` are visible."""
        self._descriptor = descriptor
        self._start = start
        self._end = end

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        if self._end is not None:
            size = min(size, max(0, self._end - self._start - self.tell()))
        return os.read(self._descriptor, size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new position, or a negative errno as `avio_seek` does."""
        try:
            if whence == os.SEEK_END and self._end is not None:
                offset, whence = self._end - self._start + offset, os.SEEK_SET
            start = self._start if whence == os.SEEK_SET else 0
            return os.lseek(self._descriptor, start + offset, whence) - self._start
        except (OSError, OverflowError) as error:
            return -(getattr(error, "errno", None) or errno.EINVAL)

    def tell(self) -> int:
        """Return the position, or a negative errno."""
        return self.seek(0, os.SEEK_CUR)


class Part:
    """A container and its selected track, with the first frame decoded. Raises Refused."""

    def __init__(self, descriptor: int, selection: TrackSelection, start: int = 0):
        """`start`: offset of the container in the file; 0: the file's current position."""
        self._descriptor, self._start = descriptor, start
        self._began = start or _position(descriptor)
        self.lost = 0.0
        """Seconds of bad packets after the last frame, once all frames were yielded."""
        self.is_torn = False
        """Whether reading the file has failed."""
        self.end = start
        """File offset after the first byte of the last packet that gave audio: the packet may be longer."""
        self.container = self._open()
        try:
            self.track = self._choose(selection)
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise Refused(no_sound(self.container, selection))
            self._first = first
        except BaseException:
            self.container.close()
            raise

    @property
    def first(self) -> AudioFrame:
        """The first frame."""
        return self._first[0]

    @property
    def may_be_followed(self) -> bool:
        """Whether another recording may follow in the file."""
        return self._began is not None and self.container.format.name in FOLLOWED

    def frames(self) -> Iterator[tuple[AudioFrame, float]]:
        """Yield all frames, once, each with the seconds of bad packets before it."""
        yield self._first
        yield from self._frames

    def close(self) -> None:
        """Close the container; the file stays open."""
        self.container.close()

    def _open(self) -> InputContainer:
        """Open the container, from its beginning if the file can seek."""
        end = None
        if self._began is not None:
            end = end_of_boxes(self._descriptor, self._began) or end_of_chunks(self._descriptor, self._began)
            os.lseek(self._descriptor, self._began, os.SEEK_SET)
        try:
            return _open(Descriptor(self._descriptor, self._start, end))
        except Refused as refusal:
            if self._began is not None and lacks_index(self._descriptor, self._began):
                raise Refused(NO_INDEX) from refusal
            raise

    def _choose(self, selection: TrackSelection) -> AudioStream:
        """Return the selected track. Raises Refused."""
        tracks = candidates(self.container, selection)
        index = tracks[0].stream.index
        if len(tracks) > 1 and self._began is not None:
            index = first_to_speak(self.container, tracks).stream.index  # gone when the container is closed
            self.container.close()
            self.container = self._open()
        stream = self.container.streams[index]
        assert isinstance(stream, AudioStream)
        stream.codec_context.thread_count = 1  # more gain nothing, and take memory of the limit
        return stream

    def _decode(self) -> Iterator[tuple[AudioFrame, float]]:
        """Yield frames to the end of the file, or to where it is torn, each with the seconds of bad packets
        before it.
        """
        fruitless, packets = 0, self.container.demux(self.track)
        reached = self._start
        while fruitless < BAD_PACKETS:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                check_memory(error)
                self.is_torn = True
                return
            if packet is None:
                return
            try:
                frames = [frame for frame in packet.decode() if frame.samples]
            except FFmpegError as error:
                check_memory(error)
                frames = []
                self.lost += _seconds(packet)
            fruitless = 0 if frames else fruitless + 1
            if packet.pos is not None:
                reached = max(reached, self._start + packet.pos + 1)
                self.end = reached if frames else self.end
            if fruitless == SUSPICIOUS and self._is_followed(reached):
                self.lost = 0.0  # it belonged to another recording
                return
            for frame in frames:
                lost, self.lost = self.lost, 0.0
                yield frame, lost

    def _is_followed(self, reached: int) -> bool:
        """Tell whether another recording begins between the last frame and the offset `reached`."""
        if not self.may_be_followed or self.end == self._start:
            return False
        return next_beginning(self._descriptor, self.end, reached) is not None


def _seconds(packet: av.Packet[AudioStream]) -> float:
    if packet.duration is None or packet.time_base is None:
        return 0.0
    return max(0.0, float(packet.duration * packet.time_base))


def _position(descriptor: int) -> int | None:
    """Return the file's current offset; None: it is a pipe, which cannot be read twice."""
    try:
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return None


def _open(file: Descriptor) -> InputContainer:
    try:
        container: InputContainer = av.open(as_ffmpeg_reads(file), "r", options=dict(OPTIONS), **LENIENT)
        return container
    except (FFmpegError, ValueError) as error:
        check_memory(error)
        if isinstance(error, FFmpegError) and error.errno == errno.EINVAL:
            raise Refused("The file is in no format of audio or video that is read here.") from error
        reason = error.strerror if isinstance(error, FFmpegError) else str(error)
        raise Refused(f"The file is not audio or video that can be read: {reason}.") from error
