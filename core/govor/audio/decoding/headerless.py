"""Give audio without a header the header of a WAV file, so that it is decoded like any other recording.

Blocking; runs in a thread.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np

from govor.audio.decoding.sample_layouts import UNKNOWN_ORDER, Layout
from govor.errors import PayloadTooLarge

CHUNK_BYTES = 1_200_000  # whole samples of any width and up to eight channels
HEAD_BYTES = 16
MOST_BYTES = 0xFFFF_FF00
"""A WAV file counts its samples' bytes in 32 bits; a decoder stops where the count does."""

STARTS = (
    *(b"RIFF", b"RF64", b"riff", b"FORM", b".snd", b"caff", b"fLaC", b"OggS", b"ID3", b"wvPk", b"#!AMR"),
    *(b"\x1aE\xdf\xa3", b"0&\xb2u", b"MAC ", b"FLV", b"\0\0\1\xba", b"2.1"),
)
BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
"""Box types of MP4 and QuickTime, four bytes from the start of the file."""

PCM, FLOAT, ALAW, MULAW = 1, 3, 6, 7  # format tags of WAVE


def has_container(head: bytes) -> bool:
    """Tell whether a file begins like one with a header.

    Does not look for MPEG audio without tags: its two bytes are common in audio without a header.
    """
    return head.startswith(STARTS) or head[4:8] in BOXES


def has_header(path: Path) -> bool:
    """Tell whether a recording begins with a header. Raises OSError."""
    with path.open("rb") as file:
        return has_container(file.read(HEAD_BYTES))


def give_header(source: Path, layout: Layout, into: IO[bytes]) -> bool:
    """Copy a recording to `into` with the header of a WAV file; tell whether it needed one.

    A recording with a header, or an empty one, is not copied. Raises OSError, and PayloadTooLarge if it is
    larger than a WAV file can be.
    """
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head or has_container(head):
            return False
        size = source.stat().st_size
        if size > MOST_BYTES:
            raise PayloadTooLarge(
                f"Sound without a header may have {MOST_BYTES / 1e9:.1f} GB; send it in parts, or as FLAC.",
                param="file",
            )
        file.seek(0)
        chunk = file.read(CHUNK_BYTES)
        samples = _ordered(chunk, layout.channels) if layout.samples == UNKNOWN_ORDER else layout.samples
        into.write(_wav_header(samples, layout, size))
        while chunk:
            into.write(_little_endian(chunk, samples))
            chunk = file.read(CHUNK_BYTES)
    into.flush()
    return True


def _ordered(chunk: bytes, channels: int) -> str:
    """Guess the byte order: in the wrong one, neighbouring samples have little in common."""
    whole = chunk[: len(chunk) // 2 * 2]
    steps = {}
    for order, kind in (("s16le", "<i2"), ("s16be", ">i2")):
        samples = np.frombuffer(whole, kind).astype(np.int32)
        steps[order] = np.abs(samples[channels:] - samples[:-channels]).sum()
    return "s16be" if steps["s16be"] < steps["s16le"] else "s16le"


def _little_endian(chunk: bytes, samples: str) -> bytes:
    if not samples.endswith("be"):
        return chunk
    width = _bits(samples) // 8
    whole = len(chunk) // width * width  # an incomplete sample can only be the last
    return np.frombuffer(chunk[:whole], np.uint8).reshape(-1, width)[:, ::-1].tobytes()


def _bits(samples: str) -> int:
    return 8 if samples in ("mulaw", "alaw", "u8") else int(samples[1:3])


def _wav_header(samples: str, layout: Layout, size: int) -> bytes:
    """Return the 44 bytes before `size` bytes of samples."""
    tag = {"mulaw": MULAW, "alaw": ALAW}.get(samples, FLOAT if samples.startswith("f") else PCM)
    block = layout.channels * _bits(samples) // 8
    size = size // block * block
    fields = (tag, layout.channels, layout.rate, layout.rate * block, block, _bits(samples))
    form = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, *fields)
    return form + struct.pack("<4sI", b"data", size)
