"""What whoever tells a transcript sees of a recording on its way, however it is heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from govor.contract.recognition import Notice, Segment, Transcript


class TranscriptStream(Protocol):
    """One recording on its way. Iterate it once for its segments; afterwards `result()` is whole."""

    @property
    def position(self) -> float:
        """Seconds of the recording that need not be heard again when what was yielded of them is kept."""
        ...

    @property
    def complete(self) -> bool:
        """All segments have been yielded."""
        ...

    @property
    def seconds_read(self) -> float:
        """Seconds of the recording decoded so far."""
        ...

    @property
    def seconds_done(self) -> float:
        """Seconds of the recording that are done: recognised and told, or silence."""
        ...

    @property
    def seconds_diarized(self) -> float | None:
        """Seconds in which speakers are told apart so far; None: nobody asked, or that is over."""
        ...

    @property
    def seconds_stated(self) -> float | None:
        """Length of the recording as its container states it, or what was read of it, where that is more."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What of the recording was not heard; known once it is complete."""
        ...

    def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order, each as soon as it is final."""
        ...

    def result(self) -> Transcript:
        """The transcript of all that has been yielded."""
        ...
