"""Malicious files, each a few kB: their headers state values that no recording has."""

from __future__ import annotations

import struct
import zlib

from support.sound import media


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A wav of these chunks."""
    body = b"WAVE" + b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav_format(rate: int, channels: int = 1, bits: int = 16) -> bytes:
    """The content of a wav's chunk "fmt "."""
    frame = channels * bits // 8
    return struct.pack(
        "<HHIIHH", 1, channels & 0xFFFF, rate, rate * frame & 0xFFFFFFFF, frame & 0xFFFF, bits & 0xFFFF
    )


def odd_rate(hertz: int = 250_000_007) -> bytes:
    """244 bytes: a resampler for this rate has filters of 2 GB."""
    return riff((b"fmt ", wav_format(hertz)), (b"data", bytes(200)))


def lying_title(size: int = 0x7FFFFFF0) -> bytes:
    """120 bytes: FFmpeg allocates what the title in an INFO list states, 2 GB."""
    title = b"INFOISFT" + struct.pack("<I", size) + b"x" * 64
    fmt = b"fmt " + struct.pack("<I", 16) + wav_format(16_000)
    return b"RIFF\xf0\xff\xff\xffWAVE" + fmt + b"LIST\xf0\xff\xff\xff" + title


def lying_picture() -> bytes:
    """A FLAC that states a picture of 16 MB, the most that it can, and ends."""
    info = struct.pack(">HH", 16, 16) + bytes(6) + struct.pack(">Q", 16_000 << 44 | 15 << 36) + bytes(16)
    return b"fLaC\x00" + struct.pack(">I", len(info))[1:] + info + b"\x86\xff\xff\xff"


def adx(channels: int = 0x7D) -> bytes:
    """2.4 kB: FFmpeg 8.1 divides by the number of channels that its parser has refused."""
    head = bytes([0x80, 0, 0, 0x20, 3, 0x12, channels, 1]) + bytes.fromhex("00003e8000003ea001f40300")
    return (head + bytes(10) + b"(c)CRI").ljust(2400, b"\0")


def cover(side: int = 5_000) -> bytes:
    """An mp3 whose cover is a picture of `side` x `side` pixels, eight bytes each, all black."""
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + side * 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    picture = b"\0image/png\0\3\0" + png
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    speech = media.encode([media.tone(2.0)], 44_100, "mp3", "libmp3lame")
    return b"ID3\3\0\0" + size + frame + speech


def changing_rate(frames: int, samples: int = 16, rates: tuple[int, int] = (655_350, 655_330)) -> bytes:
    """A FLAC whose frames alternate between two rates: each needs a resampler of its own."""
    info = struct.pack(">HH", samples, samples) + bytes(6) + struct.pack(">Q", rates[0] << 44 | 15 << 36)
    head = b"fLaC\x80" + struct.pack(">I", len(info) + 16)[1:] + info + bytes(16)
    return head + b"".join(_flac_frame(number, rates[number % 2], samples) for number in range(frames))


def slow_to_open(size: int = 64 << 20) -> bytes:
    """Zeros that FFmpeg searches for a header for a second or more, before it reports that there is none."""
    return b"ID3\3\0\0\x7f\x7f\x7f\x7f" + bytes(size)


def _flac_frame(number: int, rate: int, samples: int) -> bytes:
    """One frame of 16-bit mono silence (RFC 9639, section 9)."""
    coded = chr(number).encode("utf-8", "surrogatepass")
    head = b"\xff\xf8\x6e\x08" + coded + bytes([samples - 1]) + struct.pack(">H", rate // 10)
    head += bytes([_crc(head, 8, 0x07)])
    frame = head + b"\x00\x00\x00"  # a constant subframe, its value 0
    return frame + struct.pack(">H", _crc(frame, 16, 0x8005))


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    value, top, mask = 0, 1 << bits - 1, (1 << bits) - 1
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value


def before_the_beginning() -> bytes:
    """A caf whose chunk has a negative size: FFmpeg seeks to before the file."""
    description = struct.pack(">d4sIIIII", 16_000.0, b"lpcm", 0, 2, 1, 1, 16)
    head = b"caff" + struct.pack(">HH", 1, 0) + b"desc" + struct.pack(">q", len(description)) + description
    return head + b"free" + struct.pack(">q", -(1 << 40)) + b"data" + struct.pack(">qI", 68, 0) + bytes(64)
