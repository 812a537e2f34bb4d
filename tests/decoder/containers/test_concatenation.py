"""Recordings that follow one another in one file are all decoded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, Audio
from support.sound import media

Write = Callable[[bytes], Path]
Decode = Callable[[bytes], Audio]


@cache
def tone(
    hertz: int,
    container: str,
    codec: str,
    rate: int = 48_000,
    layout: str = "mono",
    *,
    fragments: bool = False,
) -> bytes:
    """Return two seconds of a tone."""
    channels = np.repeat(media.tone(2, hertz)[None], 2 if layout == "stereo" else 1, axis=0)
    options = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"} if fragments else {}
    return media.encode_channels(
        channels, rate, container, codec, layout, muxing=options, strict="experimental"
    )


def pitches(audio: Audio) -> list[int]:
    """Return the strongest frequency in the middle of each two seconds, in hundreds."""
    found = []
    for middle in range(SAMPLE_RATE, len(audio), 2 * SAMPLE_RATE):
        part = audio[middle - 8000 : middle + 8000]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        found.append(round(float(np.argmax(spectrum)) * SAMPLE_RATE / len(part) / 100))
    return found


KINDS: dict[str, list[tuple[str, str, int, str]]] = {
    "opus, more channels": [("ogg", "libopus", 48_000, "mono"), ("ogg", "libopus", 48_000, "stereo")],
    "opus, fewer channels": [("ogg", "libopus", 48_000, "stereo"), ("ogg", "libopus", 48_000, "mono")],
    "vorbis, another rate": [("ogg", "vorbis", 44_100, "stereo"), ("ogg", "vorbis", 22_050, "stereo")],
    "ogg, another codec": [("ogg", "libopus", 48_000, "mono"), ("ogg", "vorbis", 44_100, "stereo")],
    "wav": [("wav", "pcm_s16le", 16_000, "mono"), ("wav", "pcm_s16le", 16_000, "mono")],
    "wav, another rate": [("wav", "pcm_s16le", 16_000, "mono"), ("wav", "pcm_mulaw", 8_000, "mono")],
    "wav and mp3": [("wav", "pcm_s16le", 16_000, "mono"), ("mp3", "libmp3lame", 44_100, "mono")],
    "mp3, another rate": [("mp3", "libmp3lame", 44_100, "mono"), ("mp3", "libmp3lame", 22_050, "stereo")],
    "flac, another rate": [("flac", "flac", 16_000, "mono"), ("flac", "flac", 44_100, "mono")],
    "aiff": [("aiff", "pcm_s16be", 16_000, "mono"), ("aiff", "pcm_s16be", 44_100, "mono")],
    "caf": [("caf", "pcm_s16le", 16_000, "mono"), ("caf", "pcm_s16le", 44_100, "mono")],
    "w64": [("w64", "pcm_s16le", 16_000, "mono"), ("w64", "pcm_s16le", 44_100, "mono")],
    "mp4": [("mp4", "aac", 44_100, "mono"), ("mp4", "aac", 16_000, "mono")],
    "avi": [("avi", "libmp3lame", 44_100, "mono"), ("avi", "libmp3lame", 44_100, "mono")],
    "webm": [("webm", "libopus", 48_000, "mono"), ("webm", "libopus", 48_000, "mono")],
}


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_concatenated_recordings_are_all_decoded(
    kinds: list[tuple[str, str, int, str]], decode: Decode
) -> None:
    first, second = kinds
    glued = tone(400, *first) + tone(1000, *second) + tone(700, *first)
    assert pitches(decode(glued)) == [4, 10, 7]


def test_fragments_of_a_second_mp4_are_not_taken_for_those_of_the_first(decode: Decode) -> None:
    glued = b"".join(tone(hertz, "mp4", "aac", 44_100, fragments=True) for hertz in (400, 1000, 700))
    assert pitches(decode(glued)) == [4, 10, 7]


def test_rubbish_behind_a_recording_changes_nothing(decode: Decode) -> None:
    whole = tone(400, "wav", "pcm_s16le", 16_000)
    rubbish = np.random.default_rng(0).bytes(200_000) + b"ID3\x03\0" * 100 + b"RIFF1234WAVEfmt "
    np.testing.assert_array_equal(decode(whole + rubbish), decode(whole))


@pytest.mark.parametrize("beginning", [b"RIFF\xff\xff\xff\xffWAVEjunk\0\0\0\0", b"\x1aE\xdf\xa3"])
def test_beginnings_without_end_are_not_all_tried(write: Write, beginning: bytes) -> None:
    endless = tone(400, "wav", "pcm_s16le", 16_000) + beginning * (4_000_000 // len(beginning))
    with closing(Decoders()) as decoders, Recording(write(endless), decoders) as recording:
        assert sum(map(len, recording.blocks())) == 2 * SAMPLE_RATE
        assert not decoders.faults
