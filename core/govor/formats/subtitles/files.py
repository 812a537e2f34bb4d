"""SubRip, WebVTT and Whisper's table of segments, whole or as the segments arrive."""

from __future__ import annotations

import re

from govor.contract.results import Transcript
from govor.formats.subtitles.cues import Cue, CueMaker
from govor.formats.subtitles.layout import Layout
from govor.formats.subtitles.pieces import one_line
from govor.formats.text import spoken_by
from govor.formats.timeline import TimedSegment, place_segments

_ARROW = re.compile(r"-{2,}>")
STANDARD = Layout()


class Srt:
    """SubRip: numbered cues, comma before the milliseconds; "" without speech.

    A speaker's name precedes the text.
    """

    def __init__(self, layout: Layout = STANDARD):
        self._maker = CueMaker(layout)
        self._number = 0

    def begin(self) -> str:
        return ""

    def add(self, placed: TimedSegment) -> str:
        """Return the text that becomes final with one more segment."""
        return "".join(map(self._cue, self._maker.add(placed)))

    def end(self, duration: float) -> str:
        return "".join(map(self._cue, self._maker.end(duration)))

    def _cue(self, cue: Cue) -> str:
        self._number += 1
        text = _without_arrow(self._maker.label(cue.speaker) + "\n".join(cue.lines))
        return f"{self._number}\n{_times(cue, ',')}\n{text}\n\n"


class Vtt:
    """WebVTT: https://www.w3.org/TR/webvtt1/#file-structure. Speakers are voice spans."""

    def __init__(self, layout: Layout = STANDARD):
        self._maker = CueMaker(layout, labelled=False)

    def begin(self) -> str:
        return "WEBVTT\n\n"

    def add(self, placed: TimedSegment) -> str:
        """Return the text that becomes final with one more segment."""
        return "".join(map(self._cue, self._maker.add(placed)))

    def end(self, duration: float) -> str:
        return "".join(map(self._cue, self._maker.end(duration)))

    def _cue(self, cue: Cue) -> str:
        voice = f"<v {_escape(cue.speaker).replace('>', '&gt;')}>" if cue.speaker else ""
        return f"{_times(cue, '.')}\n{voice}{_escape(chr(10).join(cue.lines))}\n\n"


class Tsv:
    """Whisper's table: a line per segment, times in milliseconds. A speaker's name precedes the text."""

    def begin(self) -> str:
        return "start\tend\ttext\n"

    def add(self, placed: TimedSegment) -> str:
        text = spoken_by(placed.segment.speaker or "", one_line(placed.segment.text))
        return f"{max(0, round(placed.start * 1000))}\t{max(0, round(placed.end * 1000))}\t{one_line(text)}\n"

    def end(self, duration: float) -> str:
        return ""


def srt(transcript: Transcript, layout: Layout = STANDARD) -> str:
    """Return a transcript as SubRip."""
    return _whole(Srt(layout), transcript)


def vtt(transcript: Transcript, layout: Layout = STANDARD) -> str:
    """Return a transcript as WebVTT."""
    return _whole(Vtt(layout), transcript)


def tsv(transcript: Transcript) -> str:
    """Return a transcript as Whisper's table."""
    return _whole(Tsv(), transcript)


def _whole(form: Srt | Vtt | Tsv, transcript: Transcript) -> str:
    parts = [form.begin(), *map(form.add, place_segments(transcript)), form.end(transcript.duration)]
    return "".join(parts)


def _times(cue: Cue, mark: str) -> str:
    start = max(0, round(cue.start * 1000))
    end = max(start + 1, round(cue.end * 1000))  # players drop a cue that ends as it starts
    return f"{clock(start, mark)} --> {clock(end, mark)}"


def clock(milliseconds: int, mark: str) -> str:
    """Return hh:mm:ss and the milliseconds after the mark."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


def _without_arrow(text: str) -> str:
    return _ARROW.sub("->", text)


def _escape(text: str) -> str:
    return _without_arrow(text).replace("&", "&amp;").replace("<", "&lt;")
