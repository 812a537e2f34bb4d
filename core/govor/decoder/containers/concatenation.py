"""Several recordings in one file: find the start of the next one.

FFmpeg reads on if a link of an Ogg chain is like the one before, or if frames follow frames. It stops at a
link of another kind, and at a file after a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

EBML = b"\x1aE\xdf\xa3"
DOCUMENTS = (b"webm", b"matroska")
"""Document types of EBML that hold audio; the name is in the first bytes."""

BEGINNINGS = re.compile(
    rb"OggS\0[\x02\x06]|R(?:IFF|IFX|F64).{4}WAVE|FORM.{4}AIF[FC]|riff\x2e\x91\xcf\x11|caff\0\x01|fLaC\0\0\0\x22"
    rb"|\0\0\0[\x08-\x80]ftyp|TTA[12]\x01\0|\x30\x26\xb2\x75\x8e\x66\xcf\x11|ID3[\x02-\x04]\0"
    rb"|" + re.escape(EBML) + rb"|RIFF.{4}AVI LIST",
    re.DOTALL,
)
"""First bytes of files that hold audio; of an Ogg stream, those of its first page."""
LONGEST_BEGINNING = 80

FOLLOWED = frozenset(
    {"ogg", "wav", "w64", "aiff", "caf", "flac", "mp3", "tta", "asf", "avi"}
    | {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
)
"""Formats that may end before their file does. Of concatenated webm files FFmpeg reads two."""

MOST_BYTES = 64 << 20
"""Bytes after the last audio in which another beginning is searched: the index of a film may lie between."""

PIECE = 1 << 16

FARTHEST = 1 << 60
"""Largest file offset that the system is asked for."""

MOST_BOXES = 5_000
"""Most boxes of an mp4 that are read: a fragmented one has two a second, or fewer."""


def next_beginning(descriptor: int, after: int, before: int | None = None) -> int | None:
    """Return the next recording's offset, at `after` or beyond; None: there is none. Raises OSError."""
    held, at = b"", after
    before = after + MOST_BYTES if before is None else before
    while at < before:
        piece = os.pread(descriptor, min(PIECE, before - at), at)
        if not piece:
            return None
        for found in BEGINNINGS.finditer(data := held + piece):
            head = data[found.start() : found.start() + LONGEST_BEGINNING]
            if found[0] != EBML or any(name in head for name in DOCUMENTS):
                return at - len(held) + found.start()
        at += len(piece)
        held = data[-LONGEST_BEGINNING:]
    return None


def end_of_boxes(descriptor: int, start: int) -> int | None:
    """Return the offset at which an mp4 ends and another begins; None: there is no other, or no mp4.

    FFmpeg would take the fragments of the other for more of the first. Raises OSError.
    """
    for number, (kind, at) in enumerate(_boxes(descriptor, start)):
        if (number == 0) != (kind == b"ftyp"):
            return at if kind == b"ftyp" else None
    return None


def lacks_index(descriptor: int, start: int) -> bool:
    """Tell whether a file is an mp4 without its index, which recorders write last. Raises OSError."""
    kinds = [kind for kind, _ in _boxes(descriptor, start)]
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds and len(kinds) < MOST_BOXES


def _boxes(descriptor: int, start: int) -> Iterator[tuple[bytes, int]]:
    """Yield the kind and the offset of each box of an mp4, to the first that has no possible length."""
    at = start
    for _ in range(MOST_BOXES):
        head = os.pread(descriptor, 16, at)
        if len(head) < 8:
            return
        yield head[4:8], at
        size = int.from_bytes(head[:4])
        size = int.from_bytes(head[8:]) if size == 1 else size
        at += size
        if size < 8 or at > FARTHEST:
            return
