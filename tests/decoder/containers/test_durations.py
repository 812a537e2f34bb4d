"""A stated duration counts only if the file is large enough for it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from support.sound import media

Write = Callable[[bytes], Path]


@cache
def tone(container: str, codec: str) -> bytes:
    return media.encode([media.tone(4)], 48_000, container, codec)


def jump() -> bytes:
    """A transport stream whose clock is set forward by 25 hours."""
    hours = 25 * 3600.0
    return media.altered(
        tone("mpegts", "aac"), "mpegts", lambda n, packet: media.move(packet, hours if n > 90 else 0.0)
    )


def xing() -> bytes:
    """An mp3 whose header counts hundreds of millions of frames."""
    content = tone("mp3", "libmp3lame")
    at = max(content.find(b"Xing"), content.find(b"Info")) + 8
    return content[:at] + struct.pack(">I", 400_000_000) + content[at + 4 :]


def webm(seconds: float) -> bytes:
    content = tone("webm", "libopus")
    at = content.index(b"\x44\x89\x88") + 3
    return content[:at] + struct.pack(">d", seconds * 1000) + content[at + 8 :]


def wav() -> bytes:
    content = media.wav(media.tone(4))
    return content[:40] + struct.pack("<I", 0x7FFFF000) + content[44:]


OVERSTATED = {
    "a clock that jumps": jump,
    "frames of an mp3": xing,
    "the duration of a webm": lambda: webm(50_000),
    "the size of a wav": wav,
}


@pytest.mark.parametrize("make", OVERSTATED.values(), ids=OVERSTATED)
def test_a_length_that_the_file_is_too_small_for_is_not_believed(
    make: Callable[[], bytes], write: Write, decoders: Decoders
) -> None:
    with Recording(write(make()), decoders) as recording:
        assert recording.duration is None or recording.duration == pytest.approx(4, abs=0.1)
        assert recording.longest is not None
        assert 3.9 < recording.longest < 1000
        heard = sum(len(block) for block in recording.blocks()) / 16_000
    assert heard == pytest.approx(4, abs=0.1)


def test_a_length_that_the_file_is_big_enough_for_is_believed(write: Write, decoders: Decoders) -> None:
    with Recording(write(webm(40)), decoders) as recording:
        assert recording.duration == 40


def test_a_file_without_a_stated_length_has_a_longest_one(write: Write, decoders: Decoders) -> None:
    with Recording(write(media.without_length(tone("webm", "libopus"))), decoders) as recording:
        assert recording.duration is None
        assert recording.longest is not None
        assert 4 < recording.longest < 1000
