"""The messages between the server and its decoder processes. Imported by both sides.

A request goes to the fork server: one byte, and with it three descriptors: the recording, the socket for the
answer, the pipe for the exit status. The answer is a row of frames: a kind, the length of what follows, and
that many bytes.
"""

from __future__ import annotations

import struct

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

OPENED = b"o"
"""JSON: what the container says of itself. The first frame of every recording that can be decoded."""
PCM = b"p"
"""Samples: 16-bit signed integers of this machine's byte order, mono, 16 kHz."""
END = b"z"
"""The recording is decoded to its end."""
REFUSED = b"e"
"""JSON: why the recording cannot be decoded, in a sentence, and the kind of the fault."""

FRAME_BYTES = 1 << 20
"""Longest frame that the server takes."""
