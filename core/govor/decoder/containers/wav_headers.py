"""Rewrite the headers of WAV files that FFmpeg misreads.

FFmpeg takes 24 bits in 32 for floats, 20 in 32 for 24, big-endian samples for little-endian ones, and fails
after a chunk of odd length without a padding byte, and where an RF64 file does not state its length. The
result is noise, or an error, for a good recording.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple, Protocol

HEAD_BYTES = 65_536
"""Bytes at the start of the file in which the header is searched."""

ORDERS = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}
"""Byte order by the first bytes of a file."""

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # format tags
WIDTHS = {PCM: (1, 2, 3, 4), FLOAT: (4, 8)}

CHUNKS = frozenset(
    (
        b"fmt ",
        b"data",
        b"fact",
        b"LIST",
        b"bext",
        b"iXML",
        b"JUNK",
        b"junk",
        b"PEAK",
        b"cue ",
        b"cart",
        b"PAD ",
    )
)
"""Names that identify the start of a chunk after one of odd length."""


MOST_CHUNKS = 1_000
"""Most chunks that are read; later ones are ignored."""

UNSTATED = (0, 0xFFFF_FFFF)
"""Sizes of the samples for "as far as the file goes" and for "see another chunk"."""

MOST_LONG = (1 << 63) - 1
"""Largest size in the chunk `ds64` that FFmpeg takes."""


class File(Protocol):
    """The methods of a file that FFmpeg needs."""

    def read(self, size: int) -> bytes: ...

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int: ...

    def tell(self) -> int: ...


class _Chunk(NamedTuple):
    name: bytes
    start: int
    """Offset of its content."""
    size: int
    is_padded: bool
    """False: its length is odd, and the next chunk follows at once."""


class _Layout(NamedTuple):
    tag: int
    channels: int
    rate: int
    width: int
    """Bytes per sample."""
    is_misread: bool
    """Whether FFmpeg misreads it, which derives the width from the valid bits."""


def as_ffmpeg_reads(file: File) -> File:
    """Return the file at its beginning, or a substitute that FFmpeg reads correctly."""
    began = file.tell()
    if began < 0:  # a pipe
        return file
    head = file.read(HEAD_BYTES)
    file.seek(began)
    order = ORDERS.get(head[:4])
    if order is None or head[8:12] != b"WAVE":
        return file
    chunks = list(_chunks(head, order))
    form = next((chunk for chunk in chunks if chunk.name == b"fmt "), None)
    samples = chunks[-1] if chunks and chunks[-1].name == b"data" else None
    layout = None if form is None else _layout(head[form.start : form.start + form.size], order)
    if layout is None or samples is None or layout.width not in WIDTHS[layout.tag]:
        return file
    is_open = _is_open(head, chunks)
    if order == "<" and not (layout.is_misread or is_open) and all(chunk.is_padded for chunk in chunks):
        return file
    swap = layout.width if order == ">" else 1
    size = 0xFFFF_FFFF if is_open else samples.size
    return _Rewritten(file, _header(layout, size), began + samples.start, swap)


def end_of_chunks(descriptor: int, start: int) -> int | None:
    """Return the offset at which a WAV file's chunks end if bytes follow; None: none follow, or it is no WAV.

    A recorder that reserves space leaves zeros there, and FFmpeg takes every eight of them for a chunk: as
    much work for 8 MB as for an hour of sound. Raises OSError.
    """
    order = ORDERS.get(os.pread(descriptor, 4, start))
    if order is None or os.pread(descriptor, 4, start + 8) != b"WAVE":
        return None
    at, has_samples = start + 12, False
    for _ in range(MOST_CHUNKS):
        head = os.pread(descriptor, 8, at)
        if len(head) < 8:
            return None
        if not head[:4].isascii() or not head[:4].decode("ascii").isprintable():
            break
        (size,) = struct.unpack_from(f"{order}I", head, 4)
        if head[:4] == b"data":
            has_samples = True
            if size in UNSTATED:
                return None
        at += 8 + size
        if size % 2 and os.pread(descriptor, 4, at) not in CHUNKS:
            at += 1
    return at if has_samples else None


def _chunks(head: bytes, order: str) -> Iterator[_Chunk]:
    """Yield the chunks before the samples."""
    at = 12
    while at + 8 <= len(head):
        name, (size,) = head[at : at + 4], struct.unpack_from(f"{order}I", head, at + 4)
        after = at + 8 + size
        is_padded = not size % 2 or name == b"data" or not _begins_at(head, after)
        yield _Chunk(name, at + 8, size, is_padded)
        if name == b"data":
            return
        at = after + (size % 2 if is_padded else 0)


def _is_open(head: bytes, chunks: list[_Chunk]) -> bool:
    """Tell whether an RF64 file leaves its length open, as writers into a pipe do and crashed recorders."""
    sizes = next((chunk for chunk in chunks if chunk.name == b"ds64" and chunk.size >= 16), None)
    if head[:4] != b"RF64" or sizes is None:
        return False
    (size,) = struct.unpack_from("<Q", head, sizes.start + 8)
    return not 0 < size <= MOST_LONG


def _begins_at(head: bytes, odd: int) -> bool:
    return head[odd : odd + 4] in CHUNKS and head[odd + 1 : odd + 5] not in CHUNKS


def _layout(form: bytes, order: str) -> _Layout | None:
    if len(form) < 16:
        return None
    tag, channels, rate, _, block = struct.unpack_from(f"{order}HHIIH", form)
    counting = 0  # without an extension, one program writes 24 bits in four bytes for floats
    if tag == EXTENSIBLE and len(form) >= 26:
        counting, _, tag = struct.unpack_from(f"{order}HIH", form, 18)
    if tag not in WIDTHS or not channels or block % channels:
        return None
    width = block // channels
    return _Layout(tag, channels, rate, width, counting > 0 and (counting + 7) // 8 != width)


def _header(layout: _Layout, size: int) -> bytes:
    block = layout.channels * layout.width
    form = struct.pack(
        "<HHIIHH", layout.tag, layout.channels, layout.rate, layout.rate * block, block, layout.width * 8
    )
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(len(body) + size, 0xFFFF_FFFF)) + body


class _Rewritten:
    """A new header, followed by a file from its first sample on."""

    def __init__(self, file: File, header: bytes, start: int, swap: int):
        self._file = file
        self._header = header
        self._start = start
        self._swap = swap
        """Bytes per sample whose order is reversed; 1: none is."""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        if self._at < len(self._header):
            data = self._header[self._at : self._at + size]
        else:
            data = self._samples(self._at - len(self._header), size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new position, or a negative errno."""
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            end = self._file.seek(0, os.SEEK_END)
            offset += max(0, end - self._start) + len(self._header)
        if offset < 0:
            return -errno.EINVAL
        self._at = offset
        return offset

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def _samples(self, at: int, size: int) -> bytes:
        lead = at % self._swap
        moved = self._file.seek(self._start + at - lead)
        if moved < 0:
            return b""
        data = self._file.read(lead + size + self._swap - 1)
        if self._swap == 1:
            return data
        whole = data[: len(data) // self._swap * self._swap]
        turned = bytearray(len(whole))
        for place in range(self._swap):
            turned[place :: self._swap] = whole[self._swap - 1 - place :: self._swap]
        return bytes(turned[lead : lead + size])
