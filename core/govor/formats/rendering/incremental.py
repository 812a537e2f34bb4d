"""Formats that can be written while the segments arrive."""

from __future__ import annotations

from typing import Protocol

from govor.contract.results import Segment, Task
from govor.formats.rendering.paragraphs import Paragraphs
from govor.formats.subtitles.files import Srt, Tsv, Vtt
from govor.formats.subtitles.layout import Layout
from govor.formats.subtitles.line_breaks import columns
from govor.formats.timeline import TimedSegment
from govor.plain import has_text

_READING = 15.0  # columns per second of speech, if no time is known


class IncrementalFormat(Protocol):
    """Writes one text in pieces: the results of the three methods, called in this order, are all of it."""

    def begin(self) -> str:
        """Return the text before all segments."""
        ...

    def add(self, placed: TimedSegment) -> str:
        """Return the text that becomes final with one more segment that has text."""
        ...

    def end(self, duration: float) -> str:
        """Return the rest; the recording has `duration` seconds."""
        ...


def incremental_format(
    response_format: str, *, language: str | None, task: Task, times: bool, layout: Layout
) -> IncrementalFormat | None:
    """Return the writer of a format; None: it can only render whole transcripts."""
    match response_format:
        case "txt":
            return Paragraphs(language, task=task, times=times)
        case "srt":
            return Srt(layout)
        case "vtt":
            return Vtt(layout)
        case "tsv":
            return Tsv()
    return None


class SegmentTimer:
    """Finds the times of segments while they arrive; an unknown start is the end of the segment before."""

    def __init__(self) -> None:
        self._clock = 0.0

    def place(self, segment: Segment) -> TimedSegment | None:
        """Return a segment with its times; None: it has no text."""
        if not has_text(segment.text):
            return None
        first, last = (segment.words[0].start, segment.words[-1].end) if segment.words else (None, None)
        start = next((known for known in (segment.start, first) if known is not None), self._clock)
        end = next((known for known in (segment.end, last) if known is not None), None)
        self._clock = max(start, start + columns(segment.text) / _READING if end is None else end)
        return TimedSegment(segment, start, self._clock)
