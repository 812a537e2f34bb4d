"""Plain text in paragraphs, which begin at pauses and changes of speaker, with optional times."""

from __future__ import annotations

from govor.contract.results import Task, Transcript
from govor.formats.subtitles.files import clock
from govor.formats.subtitles.line_breaks import columns, ends_sentence
from govor.formats.text import Joiner, spoken_by
from govor.formats.timeline import TimedSegment, place_segments
from govor.plain import without_controls

PAUSE = 2.0
"""Seconds of silence that begin a paragraph anywhere; half as many do after a sentence."""
LONG, TOO_LONG = 500, 1000
"""Columns after which a paragraph ends with its sentence, and after which it ends with its segment."""


class Paragraphs:
    """The `txt` format. A name precedes the text at each change of speaker."""

    def __init__(self, language: str | None = None, *, task: Task = "transcribe", times: bool = False):
        """`language` is the one known before the first segment; `times` put [hh:mm:ss] before paragraphs."""
        self._language, self._task, self._times = language, task, times
        self._joiner = Joiner(language, task=task)
        self._last: TimedSegment | None = None
        self._columns = 0

    def begin(self) -> str:
        return ""

    def add(self, placed: TimedSegment) -> str:
        """Return the text that one more segment with text appends."""
        before = ""
        if self._last is None or self._ends_before(placed):
            before = self._begin_paragraph(placed)
        self._language = placed.segment.language or self._language
        added = without_controls(self._joiner.add(placed.segment))
        self._columns += columns(added)
        self._last = placed
        return before + added

    def end(self, duration: float) -> str:
        return "\n"

    def _begin_paragraph(self, placed: TimedSegment) -> str:
        speaker = placed.segment.speaker or ""
        again = self._last is not None and speaker == (self._last.segment.speaker or "")
        name = "" if again else without_controls(spoken_by(speaker, ""))
        time = f"[{clock(max(0, round(placed.start * 1000)), '.')[:8]}] " if self._times else ""
        before = "" if self._last is None else "\n\n"
        self._joiner = Joiner(self._language, task=self._task)
        self._columns = 0
        return before + time + name

    def _ends_before(self, placed: TimedSegment) -> bool:
        last = self._last
        assert last is not None
        if (placed.segment.speaker or "") != (last.segment.speaker or ""):
            return True
        pause = placed.start - last.end
        if ends_sentence(last.segment.text):
            return pause >= PAUSE / 2 or self._columns >= LONG
        return pause >= PAUSE or self._columns >= TOO_LONG


def txt(transcript: Transcript, *, times: bool = False) -> str:
    """Return a transcript in paragraphs; a newline ends it."""
    written = Paragraphs(transcript.language, task=transcript.task, times=times)
    return "".join([*map(written.add, place_segments(transcript)), written.end(transcript.duration)])
