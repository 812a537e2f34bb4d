"""The duration that a recording states, if the file is large enough for it."""

from __future__ import annotations

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from govor.decoder.formats import LENGTHLESS

LEAST_RATES = {
    "mp1": 2000,
    "mp2": 900,
    "mp3": 900,
    "aac": 600,
    "ac3": 3500,
    "eac3": 3500,
    "dca": 3500,
    "wma": 500,
    "vorbis": 300,
    "adpcm": 1900,
    "gsm": 1600,
}
"""Least bytes per second of audio, by the beginning of the codec's name. If a file has fewer, its stated
duration is ignored, but all decoded audio counts.
"""
LEAST_RATE = 100
"""Least bytes per second for all other codecs: packets of Opus that only mark silence, lossless silence."""

LEAST_PICTURES = 5_000
"""Bytes per second of video in a broadcast stream. Its duration is the distance between its first and last
timestamp, and its clock may jump.
"""
BROADCAST = frozenset({"mpegts", "mpeg"})


def longest(container: InputContainer, track: AudioStream, file_bytes: int) -> float | None:
    """Return the most seconds that a file of this size can hold; None: its size is unknown."""
    codec = track.codec_context
    rate = float(LEAST_RATE)
    if codec.name.startswith("pcm_"):
        rate = max(rate, codec.sample_rate * codec.channels)  # one byte for each
    else:
        rate = next((r for name, r in LEAST_RATES.items() if codec.name.startswith(name)), rate)
    if container.format.name in BROADCAST and container.streams.video:
        rate += LEAST_PICTURES
    return file_bytes / rate if file_bytes else None


def stated(container: InputContainer, most: float | None) -> float | None:
    """Return the seconds that the container states; None: it states none, or more than the file can hold."""
    if container.format.name in LENGTHLESS or container.duration is None or container.duration <= 0:
        return None
    seconds = float(container.duration / av.time_base)
    return None if most is not None and seconds > 1 + most else seconds
