"""Recordings of all kinds with faults in them, reproducible by number."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from av.error import FFmpegError

from support.sound import hostile, media

KINDS = (
    ("wav", "pcm_s16le", 16_000),
    ("wav", "pcm_s24le", 48_000),
    ("wav", "pcm_f32le", 44_100),
    ("wav", "pcm_alaw", 8_000),
    ("wav", "adpcm_ms", 22_050),
    ("wav", "adpcm_ima_wav", 22_050),
    ("wav", "g726", 8_000),
    ("wav", "libmp3lame", 44_100),
    ("w64", "pcm_s16le", 44_100),
    ("aiff", "pcm_s16be", 44_100),
    ("caf", "pcm_s16le", 44_100),
    ("caf", "alac", 44_100),
    ("au", "pcm_mulaw", 8_000),
    ("voc", "pcm_u8", 11_025),
    ("ircam", "pcm_s16le", 16_000),
    ("sox", "pcm_s32le", 16_000),
    ("rso", "pcm_u8", 8_000),
    ("flac", "flac", 44_100),
    ("ogg", "flac", 44_100),
    ("ogg", "libopus", 48_000),
    ("ogg", "libvorbis", 44_100),
    ("ogg", "libspeex", 16_000),
    ("oga", "libvorbis", 44_100),
    ("webm", "libopus", 48_000),
    ("matroska", "pcm_s16le", 44_100),
    ("matroska", "aac", 44_100),
    ("matroska", "ac3", 44_100),
    ("mp3", "libmp3lame", 44_100),
    ("mp2", "mp2", 44_100),
    ("adts", "aac", 44_100),
    ("latm", "aac", 44_100),
    ("ipod", "aac", 44_100),
    ("ipod", "alac", 44_100),
    ("mp4", "aac", 44_100),
    ("mp4", "libopus", 48_000),
    ("mp4", "ac3", 44_100),
    ("mov", "pcm_s16le", 44_100),
    ("3gp", "libopencore_amrnb", 8_000),
    ("amr", "libopencore_amrnb", 8_000),
    ("avi", "libmp3lame", 44_100),
    ("avi", "pcm_s16le", 44_100),
    ("flv", "aac", 44_100),
    ("flv", "nellymoser", 22_050),
    ("flv", "adpcm_swf", 22_050),
    ("mpegts", "aac", 44_100),
    ("mpegts", "mp2", 44_100),
    ("mpegts", "libopus", 48_000),
    ("mpeg", "mp2", 44_100),
    ("vob", "ac3", 44_100),
    ("asf", "wmav2", 44_100),
    ("wtv", "mp2", 44_100),
    ("rm", "ac3", 44_100),
    ("mxf", "pcm_s16le", 48_000),
    ("nut", "pcm_s16le", 44_100),
    ("ac3", "ac3", 44_100),
    ("eac3", "eac3", 44_100),
    ("tta", "tta", 44_100),
    ("wv", "wavpack", 44_100),
    ("spdif", "ac3", 48_000),
    ("adx", "adpcm_adx", 44_100),
)
"""Container, codec and rate of the damaged files; kinds that a build of FFmpeg lacks are left out."""

EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


def sound_files() -> list[bytes]:
    """Return a second of sound in every kind, and the malicious files."""
    found = []
    for container, codec, rate in KINDS:
        try:
            found.append(media.encode([media.tone(0.6)], rate, container, codec))
        except (FFmpegError, ValueError):
            continue
    lies = [hostile.odd_rate(), hostile.lying_title(), hostile.lying_picture(), hostile.adx()]
    return [*found, *lies, hostile.changing_rate(40), hostile.before_the_beginning()]


def damaged(files: list[bytes], number: int) -> bytes:
    """Return one of the files with some faults; `number` determines both."""
    dice = random.Random(number)
    content = bytearray(dice.choice(files))
    for _ in range(dice.choice((1, 1, 2, 4, 12))):
        dice.choice(FAULTS)(content, dice, files)
    return bytes(content)


Fault = Callable[[bytearray, random.Random, list[bytes]], None]


def _flip(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    if content:
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _flip_head(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    if content:
        content[dice.randrange(min(len(content), 200))] = dice.randrange(256)


def _state_extreme(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    """Overwrite a field of the head, as a number of any width and order."""
    width = dice.choice("BHIQ")
    data = struct.pack(dice.choice("<>") + width, dice.choice(EXTREMES) % (1 << 8 * struct.calcsize(width)))
    at = dice.randrange(min(len(content), 600) + 1)
    content[at : at + len(data)] = data


def _cut(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    del content[dice.randrange(len(content) + 1) :]


def _leave_out(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    at = dice.randrange(len(content) + 1)
    del content[at : at + dice.choice((1, 4, 100, 4000))]


def _repeat(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    at = dice.randrange(len(content) + 1)
    content[at:at] = content[at : at + dice.choice((1, 16, 500))] * dice.choice((1, 3))


def _splice(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    other = dice.choice(files)
    content[dice.randrange(len(content) + 1) :] = other[dice.randrange(len(other) + 1) :]


def _change_magic(content: bytearray, dice: random.Random, files: list[bytes]) -> None:
    content[:16] = dice.choice(files)[:16]


FAULTS: tuple[Fault, ...] = (
    _flip,
    _flip,
    _flip_head,
    _flip_head,
    _state_extreme,
    _state_extreme,
    _cut,
    _leave_out,
    _repeat,
    _splice,
    _change_magic,
)
