"""Times for every segment, even if the model gives none: some formats require them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from govor.contract.results import Segment, Transcript, Word
from govor.plain import has_text


@dataclass(frozen=True, slots=True)
class TimedSegment:
    """A segment with text; `start` <= `end`, in seconds of the recording."""

    segment: Segment
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of known times, in seconds."""

    word: Word
    start: float
    end: float

    @property
    def text(self) -> str:
        """The word as it stands in the text."""
        return self.word.text

    @property
    def probability(self) -> float | None:
        """0..1; None: unknown."""
        return self.word.probability


def timed_words(words: Iterable[Word] | None) -> list[TimedWord]:
    """Return the words whose times are known, in order."""
    return [
        TimedWord(word, word.start, word.end)
        for word in words or ()
        if word.start is not None and word.end is not None
    ]


def place_segments(transcript: Transcript) -> list[TimedSegment]:
    """Return the segments that have text, in order.

    An unknown start is the end of the segment before, or 0. Segments of unknown end share evenly the
    time up to the next known one, or to the end of the recording.
    """
    spoken = [segment for segment in transcript.segments if has_text(segment.text)]
    placed: list[TimedSegment] = []
    clock = 0.0
    for segment, (limit, sharers) in zip(spoken, _limits(spoken, transcript.duration), strict=True):
        start, end = _known_start(segment), _known_end(segment)
        start = clock if start is None else start
        end = start + (limit - start) / sharers if end is None else end
        clock = max(start, end)
        placed.append(TimedSegment(segment, start, clock))
    return placed


def _limits(spoken: Sequence[Segment], duration: float) -> list[tuple[float, int]]:
    """Return for each segment the next known time after its start, and the number of segments before that."""
    limits: list[tuple[float, int]] = []
    limit, sharers = duration, 0
    for segment in reversed(spoken):
        start, end = _known_start(segment), _known_end(segment)
        if end is not None:
            limit, sharers = end, 0
        sharers += 1
        limits.append((limit, sharers))
        if start is not None:
            limit, sharers = start, 0
    return limits[::-1]


def _known_start(segment: Segment) -> float | None:
    if segment.start is None and segment.words:
        return segment.words[0].start
    return segment.start


def _known_end(segment: Segment) -> float | None:
    if segment.end is None and segment.words:
        return segment.words[-1].end
    return segment.end
