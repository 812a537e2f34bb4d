"""A client's audio as it comes: its format, its length, and its samples for the core."""

from __future__ import annotations

from wyoming.audio import AudioChunk, AudioFormat

import govor
from govor_wyoming.samples import NOTHING, Converter

RATES = range(1_000, 384_001)
WIDTHS = range(1, 5)
CHANNELS = range(1, 65)


class Incoming:
    """One recording on its way. The first event with a format sets it."""

    def __init__(self, max_seconds: float):
        self._converter: Converter | None = None
        self._format: tuple[int, int, int] | None = None
        self._max_seconds = max_seconds
        self._seconds = 0.0

    def tell(self, stated: AudioFormat) -> None:
        """Set the format of the following audio. Raises InvalidAudio if it is unsupported or changes."""
        rate, width, channels = found = (stated.rate, stated.width, stated.channels)
        if self._format == found:
            return
        if self._format is not None:
            raise govor.InvalidAudio(f"The audio changes from {_words(self._format)} to {_words(found)}.")
        if not all(isinstance(value, int) for value in found) or not (
            rate in RATES and width in WIDTHS and channels in CHANNELS
        ):
            raise govor.InvalidAudio(f"Audio of {_words(found)} is not supported.")
        self._converter = Converter(rate, width, channels)
        self._format = found

    def take(self, chunk: AudioChunk) -> govor.Audio:
        """Return a chunk's samples, (samples,) float32, mono at 16 kHz; the last ones may come with the next.

        Raises InvalidAudio if the recording gets too long, or a sample is incomplete.
        """
        self.tell(chunk)
        if len(chunk.audio) % (chunk.width * chunk.channels):
            raise govor.InvalidAudio("A chunk of audio ends in the midst of a sample.")
        self._seconds += chunk.seconds
        if self._seconds > self._max_seconds:
            raise govor.InvalidAudio(f"The recording is longer than {self._max_seconds:g} seconds.")
        return NOTHING if self._converter is None else self._converter.convert(chunk.audio)

    def rest(self) -> govor.Audio:
        """Return the samples that are left at the end."""
        return NOTHING if self._converter is None or not self._seconds else self._converter.rest()


def _words(found: tuple[int, int, int]) -> str:
    return "{} Hz, {} bytes a sample, {} channels".format(*found)
