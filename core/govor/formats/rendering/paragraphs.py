"""Plain text in paragraphs, which begin at pauses and changes of speaker, with optional times."""

from __future__ import annotations

from dataclasses import replace

from govor.contract.results import Task, Transcript
from govor.contract.texts.formats import Paragraph
from govor.formats.subtitles.files import clock
from govor.formats.subtitles.line_breaks import columns, ends_sentence
from govor.formats.text import Joiner, spoken_by
from govor.formats.timeline import TimedSegment, place_segments
from govor.plain import without_controls

PAUSE = 2.0
"""Seconds of silence that begin a paragraph anywhere; half as many do after a sentence."""
LONG, TOO_LONG = 500, 1000
"""Columns after which a paragraph ends with its sentence, and after which it ends with its segment."""


class Divider:
    """Divides segments into paragraphs as they arrive, in time order."""

    def __init__(self, language: str | None = None, *, task: Task = "transcribe"):
        """`language` is the one known before the first segment."""
        self._language, self._task = language, task
        self._joiner = Joiner(language, task=task)
        self._last: TimedSegment | None = None
        self._columns = 0

    def add(self, placed: TimedSegment) -> tuple[bool, str]:
        """Return whether a segment with text begins a paragraph, and the text that it appends to it."""
        begins = self._last is None or self._begins(placed, self._last)
        if begins:
            self._joiner = Joiner(self._language, task=self._task)
            self._columns = 0
        self._language = placed.segment.language or self._language
        added = without_controls(self._joiner.add(placed.segment))
        self._columns += columns(added)
        self._last = placed
        return begins, added

    def _begins(self, placed: TimedSegment, last: TimedSegment) -> bool:
        if (placed.segment.speaker or "") != (last.segment.speaker or ""):
            return True
        pause = placed.start - last.end
        if ends_sentence(last.segment.text):
            return pause >= PAUSE / 2 or self._columns >= LONG
        return pause >= PAUSE or self._columns >= TOO_LONG


class Paragraphs:
    """The `txt` format. A name precedes the text at each change of speaker."""

    def __init__(self, language: str | None = None, *, task: Task = "transcribe", times: bool = False):
        """`language` is the one known before the first segment; `times` put [hh:mm:ss] before paragraphs."""
        self._times = times
        self._divider = Divider(language, task=task)
        self._speaker: str | None = None  # of the paragraph before; None: there is none

    def begin(self) -> str:
        return ""

    def add(self, placed: TimedSegment) -> str:
        """Return the text that one more segment with text appends."""
        begins, added = self._divider.add(placed)
        return self._begin_paragraph(placed) + added if begins else added

    def end(self, duration: float) -> str:
        return "\n"

    def _begin_paragraph(self, placed: TimedSegment) -> str:
        speaker, last = placed.segment.speaker or "", self._speaker
        self._speaker = speaker
        name = "" if speaker == last else without_controls(spoken_by(speaker, ""))
        time = f"[{clock(max(0, round(placed.start * 1000)), '.')[:8]}] " if self._times else ""
        return ("" if last is None else "\n\n") + time + name


def txt(transcript: Transcript, *, times: bool = False) -> str:
    """Return a transcript in paragraphs; a newline ends it."""
    written = Paragraphs(transcript.language, task=transcript.task, times=times)
    return "".join([*map(written.add, place_segments(transcript)), written.end(transcript.duration)])


def paragraphs(transcript: Transcript) -> list[Paragraph]:
    """Return a transcript's paragraphs, each with its times and its speaker's name."""
    divider = Divider(transcript.language, task=transcript.task)
    found: list[Paragraph] = []
    for placed in place_segments(transcript):
        begins, added = divider.add(placed)
        if begins:
            name = " ".join(without_controls(placed.segment.speaker or "").split())
            found.append(Paragraph(added, placed.start, placed.end, name or None))
        else:
            last = found[-1]
            found[-1] = replace(last, text=last.text + added, end=max(last.end, placed.end))
    return found
