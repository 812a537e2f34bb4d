"""Recordings that follow one another in one file: where the next one begins.

FFmpeg reads on where a link of an Ogg chain is like the one before, and where frames follow frames; a link of
another kind, or a file behind a file, ends it.
"""

from __future__ import annotations

import os
import re

EBML = b"\x1aE\xdf\xa3"
DOCUMENTS = (b"webm", b"matroska")
"""Kinds of EBML that hold sound; the name stands in the first bytes."""

BEGINNINGS = re.compile(
    rb"OggS\0[\x02\x06]|R(?:IFF|IFX|F64).{4}WAVE|FORM.{4}AIF[FC]|riff\x2e\x91\xcf\x11|caff\0\x01|fLaC\0\0\0\x22"
    rb"|\0\0\0[\x08-\x80]ftyp|TTA[12]\x01\0|\x30\x26\xb2\x75\x8e\x66\xcf\x11|ID3[\x02-\x04]\0"
    rb"|" + re.escape(EBML) + rb"|RIFF.{4}AVI LIST",
    re.DOTALL,
)
"""First bytes of files that hold sound; of an Ogg stream, those of the page that begins it."""
LONGEST_BEGINNING = 80

FOLLOWED = frozenset(
    {"ogg", "wav", "w64", "aiff", "caf", "flac", "mp3", "tta", "asf", "avi"}
    | {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
)
"""Formats that may end before their file does. Of glued webm FFmpeg reads two."""

MOST_BYTES = 64 << 20
"""How far behind the last sound another beginning is looked for: an index of a film lies between them."""

PIECE = 1 << 16

FARTHEST = 1 << 60
"""Where a file may reach for the system to be asked for it."""

MOST_BOXES = 5_000
"""Boxes of an mp4 that are looked at: a fragmented one has two a second, or fewer."""


def next_beginning(descriptor: int, after: int, before: int | None = None) -> int | None:
    """Return where in a file another one begins, at `after` or behind it; None: nowhere. Raises OSError."""
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
    """Return where an mp4 ends and another one begins; None: there is no other one, or it is no mp4.

    The fragments of another one would be taken for more of the first. Raises OSError.
    """
    at = start
    for number in range(MOST_BOXES):
        head = os.pread(descriptor, 16, at)
        if len(head) < 16 or (number == 0) != (head[4:8] == b"ftyp"):
            return at if head[4:8] == b"ftyp" else None
        size = int.from_bytes(head[:4])
        size = int.from_bytes(head[8:]) if size == 1 else size
        at += size
        if size < 8 or at > FARTHEST:
            return None
    return None
