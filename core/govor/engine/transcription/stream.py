"""The interface of a running transcription, for routes, jobs and the terminal."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from govor.contract.results import Notice, Segment, Transcript


class TranscriptStream(Protocol):
    """A running transcription. Iterate it once for its segments; afterwards `result()` is complete."""

    @property
    def position(self) -> float:
        """Seconds of the recording that need no second transcription if the segments yielded are kept."""
        ...

    @property
    def complete(self) -> bool:
        """Whether all segments have been yielded."""
        ...

    @property
    def seconds_read(self) -> float:
        """Seconds of the recording decoded so far."""
        ...

    @property
    def seconds_done(self) -> float:
        """Seconds of the recording that are done: transcribed and yielded, or silence."""
        ...

    @property
    def seconds_diarized(self) -> float | None:
        """Seconds diarized so far; None: diarization was not asked for, or is over."""
        ...

    @property
    def seconds_stated(self) -> float | None:
        """Length of the recording as its container states it, or the seconds read, if that is more."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Parts of the recording that were not transcribed; known once it is complete."""
        ...

    def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order, each as soon as it is final."""
        ...

    def result(self) -> Transcript:
        """Return the transcript of all segments yielded."""
        ...
