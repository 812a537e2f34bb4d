"""How long a recording says it is, where it is big enough for that."""

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
"""Bytes that a second of sound takes at least, by the beginning of the codec's name. A file that has less is
not disbelieved for ever: what is read of it counts."""
LEAST_RATE = 100
"""The same for all others: packets of Opus that say that nobody speaks, silence without losses."""

LEAST_PICTURES = 5_000
"""Bytes for a second of moving pictures in a stream for broadcasting. Its length is the distance between the
first time and the last one in it, and its clock may jump."""
BROADCAST = frozenset({"mpegts", "mpeg"})


def longest(container: InputContainer, track: AudioStream, file_bytes: int) -> float | None:
    """Return how many seconds a file of this size can hold; None: its size is unknown."""
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
    """Return the length that the container states, in seconds; None: none, or more than it can hold."""
    if container.format.name in LENGTHLESS or container.duration is None or container.duration <= 0:
        return None
    seconds = float(container.duration / av.time_base)
    return None if most is not None and seconds > 1 + most else seconds
