"""A client's audio, spooled to disk as it comes: a wav file that the core decodes to 16 kHz mono."""

from __future__ import annotations

import tempfile
import wave
from pathlib import Path

from wyoming.audio import AudioChunk, AudioFormat

import govor

RATES = range(1_000, 384_001)
WIDTHS = range(1, 5)
CHANNELS = range(1, 65)


class Spool:
    """One recording on disk, deleted when it is closed. The first event with a format sets it."""

    def __init__(self, folder: Path | None, max_seconds: float):
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by `close`
            prefix="govor-", suffix=".wav", dir=folder
        )
        self._wav: wave.Wave_write | None = None
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
        self._wav = wave.open(self._file, "wb")  # noqa: SIM115 - closed by `close`
        self._wav.setparams((channels, width, rate, 0, "NONE", ""))
        self._format = found

    def add(self, chunk: AudioChunk) -> None:
        """Append a chunk. Raises InvalidAudio if the recording gets too long, or a sample is incomplete."""
        self.tell(chunk)
        if len(chunk.audio) % (chunk.width * chunk.channels):
            raise govor.InvalidAudio("A chunk of audio ends in the midst of a sample.")
        self._seconds += chunk.seconds
        if self._seconds > self._max_seconds:
            raise govor.InvalidAudio(f"The recording is longer than {self._max_seconds:g} seconds.")
        if self._wav is not None:
            self._wav.writeframesraw(chunk.audio)

    def finish(self) -> Path | None:
        """Return the path of the whole recording; None: it has no samples."""
        if self._wav is None or not self._seconds:
            return None
        self._wav.close()  # states the length in the header; the file stays open
        self._wav = None
        self._file.flush()
        return Path(self._file.name)

    def close(self) -> None:
        """Delete it."""
        if self._wav is not None:
            self._wav.close()
        self._file.close()


def _words(found: tuple[int, int, int]) -> str:
    return "{} Hz, {} bytes a sample, {} channels".format(*found)
