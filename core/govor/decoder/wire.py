"""The messages between the server and its decoder processes. Both sides import this module.

A request to the fork server is one byte with three descriptors: the recording, the socket for the answer, the
pipe for the exit status. The track selection waits in that socket as a frame for the process that gets the
recording. The answer is a row of frames: a kind, the length of the content, and that many bytes.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import asdict, dataclass

REQUEST = b"r"
DONE = b"d"
"""A process has closed its recording and waits for another."""
LAST = b"l"
"""A process has closed its recording, and ends."""

HEADER = struct.Struct("=cI")
"""Kind of a frame and number of bytes that follow."""

STATUS = struct.Struct("=i")
"""Status of an ended process, from `os.waitpid`; `NOT_STARTED` if there was none."""

NOT_STARTED = -1

UNCONFINED = 3
"""Exit code of a process that could not set its own limits, and so has not touched the recording."""

SELECTION = b"w"
"""JSON: the `TrackSelection`. The only frame that is sent to the decoder."""
OPENED = b"o"
"""JSON: facts from the container. The first frame of every recording that can be decoded."""
PCM = b"p"
"""Samples: 16-bit signed integers of this machine's byte order, mono, 16 kHz. If channels are apart, as many
of each channel, one channel after the other."""
END = b"z"
"""JSON: notices of what was not decoded. The recording has ended."""
REFUSED = b"e"
"""JSON: a sentence why the recording cannot be decoded, and the kind of the fault."""

FRAME_BYTES = 1 << 20
"""Longest frame that either side accepts."""

MOST_APART = 8
"""Most channels that are decoded apart."""

LONGEST_TRACK = 200
"""Most characters of a track's title."""


@dataclass(frozen=True, slots=True)
class TrackSelection:
    """The audio track and the channel to decode."""

    track: str = ""
    """Number from 0, title or language of an audio track; empty: the most suitable one."""
    language: str = ""
    """Preferred language of the track: codes, separated by spaces, of which any may be its tag."""
    track_language: str = ""
    """Codes of the language that `track` may be, in the same form."""
    channel: int | None = None
    """Number from 0 of the only channel to decode; None: all of them, mixed down."""
    apart: bool = False
    """Whether each channel is decoded apart, if there are 2 to `MOST_APART`; else they are mixed down."""

    def __post_init__(self) -> None:
        """Raise ValueError for a selection that no recording can fulfil."""
        if max(map(len, (self.track, self.language, self.track_language))) > LONGEST_TRACK:
            raise ValueError(f"The name of a track has at most {LONGEST_TRACK} letters.")
        if self.channel is not None and self.channel < 0:
            raise ValueError("Channels are numbered from 0.")


def frame(kind: bytes, body: bytes | bytearray) -> bytes:
    return HEADER.pack(kind, len(body)) + body


def selection_frame(selection: TrackSelection) -> bytes:
    """Return the frame of a selection, which fits into the buffer of any socket."""
    return frame(SELECTION, json.dumps(asdict(selection)).encode())


def receive(source: socket.socket) -> tuple[bytes, bytes]:
    """Return kind and content of one frame. Raises OSError, also if the frames break off."""
    kind, size = HEADER.unpack(_exactly(source, HEADER.size))
    if size > FRAME_BYTES:
        raise ConnectionAbortedError(f"a frame of {size} bytes")
    return kind, _exactly(source, size)


def _exactly(source: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    have = 0
    while have < size:
        got = source.recv_into(memoryview(data)[have:])
        if not got:
            raise ConnectionAbortedError("the frames break off")
        have += got
    return bytes(data)
