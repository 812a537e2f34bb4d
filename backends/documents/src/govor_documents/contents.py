"""The contents of a document, the same in all formats: title, paragraphs and notes in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import govor

UNTITLED = "Transcript"

UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have (https://www.w3.org/TR/xml/#charsets), lone surrogates among them."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A paragraph of speech."""

    time: str
    """Time of its beginning, hh:mm:ss."""
    speaker: str
    """The name, where the speaker changes; "" elsewhere."""
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A part of the recording that is missing in the text."""

    text: str


def title_of(shown: govor.Presentation) -> str:
    """Return the document's title."""
    return in_one_line(shown.title) or UNTITLED


def contents(transcript: govor.Transcript, shown: govor.Presentation) -> Iterator[Spoken | Note]:
    """Yield paragraphs, and each note before the first paragraph that begins after it."""
    notices = sorted(transcript.notices, key=lambda notice: (notice.start is None, notice.start or 0.0))
    speaker = ""
    for paragraph in shown.paragraphs:
        while notices and notices[0].start is not None and notices[0].start <= paragraph.start:
            yield _note(notices.pop(0))
        name = in_one_line(paragraph.speaker or "")
        yield Spoken(clock(paragraph.start), name if name != speaker else "", in_one_line(paragraph.text))
        speaker = name
    yield from map(_note, notices)


def clock(seconds: float) -> str:
    """Return hh:mm:ss."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}"


def in_one_line(text: str) -> str:
    """Return a text without line ends, tabs and characters that no document can hold."""
    return " ".join(UNWRITABLE.sub("", text).split())


def _note(notice: govor.Notice) -> Note:
    times = [clock(time) for time in (notice.start, notice.end) if time is not None]
    span = f"{'–'.join(dict.fromkeys(times))}: " if times else ""
    return Note(span + in_one_line(notice.message))
