"""Group segments into utterances: one ends with its sentence, at a pause, or if it gets long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from govor.contract.results import Segment

PAUSE = 0.9
"""Seconds of silence that end an utterance."""

LONGEST = 30.0  # seconds
SENTENCE_ENDS = (".", "!", "?", "…")


@dataclass(slots=True)
class Utterance:
    """Consecutive segments that belong together."""

    segments: list[Segment]

    @property
    def start(self) -> float:
        return self.segments[0].start or 0.0

    @property
    def end(self) -> float:
        return self.segments[-1].end or self.start

    def ends_before(self, segment: Segment) -> bool:
        """Tell whether `segment` begins another utterance."""
        start = self.end if segment.start is None else segment.start
        return (
            start - self.end > PAUSE
            or self.segments[-1].text.rstrip().endswith(SENTENCE_ENDS)
            or (segment.end or start) - self.start > LONGEST
            or segment.speaker != self.segments[-1].speaker
        )


def utterances(segments: Iterable[Segment]) -> Iterator[Utterance]:
    """Group segments into utterances."""
    open_one: Utterance | None = None
    for segment in segments:
        if open_one is None or open_one.ends_before(segment):
            if open_one is not None:
                yield open_one
            open_one = Utterance([])
        open_one.segments.append(segment)
    if open_one is not None:
        yield open_one
