"""The messages between the server and its decoder processes. Imported by both sides.

A request goes to the fork server: one byte, and with it three descriptors: the recording, the socket for the
answer, the pipe for the exit status. What is wished for waits in that socket as a frame, for the process that
takes the recording. The answer is a row of frames: a kind, the length of what follows, and that many bytes.
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
"""Kind of a frame and bytes that follow."""

STATUS = struct.Struct("=i")
"""What `os.waitpid` says of a process that ended; `NOT_STARTED` if there was none."""

NOT_STARTED = -1

UNCONFINED = 3
"""Exit code of a process that could not set its own bounds, and so has not touched the recording."""

WISHED = b"w"
"""JSON: the `TrackSelection`. The only frame that goes to the decoder."""
OPENED = b"o"
"""JSON: what the container says of itself. The first frame of every recording that can be decoded."""
PCM = b"p"
"""Samples: 16-bit signed integers of this machine's byte order, mono, 16 kHz."""
END = b"z"
"""JSON: what of the recording was not heard. It is decoded to its end."""
REFUSED = b"e"
"""JSON: why the recording cannot be decoded, in a sentence, and the kind of the fault."""

FRAME_BYTES = 1 << 20
"""Longest frame that either side takes."""

LONGEST_TRACK = 200
"""Letters of a track's title."""


@dataclass(frozen=True, slots=True)
class TrackSelection:
    """What of a recording is to be heard."""

    track: str = ""
    """Number from 0, title or language of an audio track; empty: the one that suits best."""
    language: str = ""
    """A track of this language goes before the others. Codes, with spaces between: any may be its tag."""
    track_language: str = ""
    """Codes of the language that `track` may be, in the same way."""
    channel: int | None = None
    """Number from 0 of the only channel that is heard; None: all of them, mixed down."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no recording can have."""
        if max(map(len, (self.track, self.language, self.track_language))) > LONGEST_TRACK:
            raise ValueError(f"The name of a track has at most {LONGEST_TRACK} letters.")
        if self.channel is not None and self.channel < 0:
            raise ValueError("Channels are numbered from 0.")


def frame(kind: bytes, body: bytes | bytearray) -> bytes:
    return HEADER.pack(kind, len(body)) + body


def wished(selection: TrackSelection) -> bytes:
    """Return the frame of wishes, which is small enough for the buffer of any socket."""
    return frame(WISHED, json.dumps(asdict(selection)).encode())


def receive(source: socket.socket) -> tuple[bytes, bytes]:
    """Return kind and content of one frame. Raises OSError, also where they break off."""
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
