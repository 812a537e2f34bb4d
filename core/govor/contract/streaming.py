"""Models that transcribe audio while it comes: many streams at once, and text that is not final yet.

Knows nothing of files, HTTP or any model family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from govor.contract.audio import Audio
from govor.contract.recognizers import Loaded, Options
from govor.contract.results import Segment


@dataclass(frozen=True, slots=True)
class Update:
    """The effect of a stream's next samples. Times count in seconds from the stream's start."""

    final: tuple[Segment, ...] = ()
    """Segments that have become final, in order of time: the model never changes them again."""
    partial: Segment | None = None
    """Text that follows the final segments and may still change; None: there is none. It replaces the partial
    text of all earlier updates.
    """


class RecognizerStream(Protocol):
    """The state of one stream of a loaded model. The core only keeps it and hands it back to the model."""

    def close(self) -> None:
        """Free the state. Called once, finished or not, before the model is closed, in a worker thread."""
        ...


class Streaming(Loaded, Protocol):
    """A loaded model with `Capability.STREAM`. It may lack `transcribe`: then each chunk of a recording goes
    through a stream of its own.

    Up to `info.parallel` threads call its methods at once, and `info.surplus` more, but never two with the
    same stream. If `advance` or `finish` raises for several streams, the core calls it again with each alone:
    raise before a stream has changed. If it raises for one, the core closes that stream.
    """

    def open(self, options: Options) -> RecognizerStream:
        """Begin a stream. Streams with different options may be open at once."""
        ...

    def advance(self, fed: Sequence[tuple[RecognizerStream, Audio]]) -> Sequence[Update]:
        """Give each stream its next samples; return one update per stream, in the same order.

        Each stream is there once, at most `info.batch` of them. The samples may be as few as one, and as many
        as last for `spec.max_seconds`.
        """
        ...

    def finish(self, streams: Sequence[RecognizerStream]) -> Sequence[Sequence[Segment]]:
        """Return the segments that are left of each stream, after the final ones: no more audio comes.

        Each stream is there once, at most `info.batch` of them, and is only closed after that.
        """
        ...
