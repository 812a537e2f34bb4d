"""SubRip and WebVTT. A segment too long to read at once is cut between words, if it has any."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from govor.formats.text import cut_at_words, spoken_by
from govor.formats.timeline import Placed, place_segments
from govor.plain import without_controls
from govor.types import Transcript

# Two lines of 42 columns, seven seconds: the limits most broadcasters give their subtitlers.
MAX_COLUMNS = 84
MAX_SECONDS = 7.0

_PAUSE = 0.5  # seconds of silence that part two cues as well as a full stop does
_SENTENCE_ENDS = tuple(".!?…。！？")
_CLAUSE_ENDS = tuple(",;:—，、；：")
_CLOSING = "\"'”’»)]」』 "
_ARROW = re.compile(r"-{2,}>")


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and when it shows, in seconds."""

    start: float
    end: float
    text: str
    speaker: str = ""


def srt(transcript: Transcript) -> str:
    """SubRip: numbered cues, comma before the milliseconds; "" where nothing was said.

    A speaker's name stands before what is said.
    """
    return "".join(
        f"{number}\n{_times(cue, ',')}\n{_without_arrow(spoken_by(cue.speaker, cue.text))}\n\n"
        for number, cue in enumerate(_cues(transcript), start=1)
    )


def vtt(transcript: Transcript) -> str:
    """WebVTT: https://www.w3.org/TR/webvtt1/#file-structure. Speakers are voice spans."""
    cues = (f"{_times(cue, '.')}\n{_voice(cue)}{_escape(cue.text)}\n\n" for cue in _cues(transcript))
    return "WEBVTT\n\n" + "".join(cues)


def _cues(transcript: Transcript) -> Iterator[Cue]:
    for placed in place_segments(transcript):
        yield from _segment_cues(placed)


def _segment_cues(placed: Placed) -> list[Cue]:
    text = " ".join(without_controls(placed.segment.text).split())  # a blank line would end the cue
    whole = Cue(placed.start, placed.end, text)
    words = placed.segment.words or ()
    pieces = [] if _is_readable(whole) else cut_at_words(text, words)
    cues = [Cue(word.start, word.end, piece) for word, piece in zip(words, pieces, strict=False)]
    speaker = " ".join(without_controls(placed.segment.speaker or "").split())
    return [replace(cue, speaker=speaker) for cue in (_group(cues) if cues else [whole])]


def _group(pieces: Sequence[Cue]) -> list[Cue]:
    """Halve at the best place until every part can be read."""
    whole = Cue(pieces[0].start, pieces[-1].end, "".join(piece.text for piece in pieces).strip())
    if len(pieces) == 1 or _is_readable(whole):
        return [whole]
    cut = min(range(1, len(pieces)), key=lambda at: _cut_cost(pieces, at))
    return _group(pieces[:cut]) + _group(pieces[cut:])


def _cut_cost(pieces: Sequence[Cue], at: int) -> float:
    """Distance from the middle, 0 to 0.5, and what it costs to part a clause or a sentence here.

    Even the best cut within a tenth of the rim costs more than the worst one in the middle, so the
    recursion stays shallow however long the segment is.
    """
    before, after = pieces[at - 1], pieces[at]
    distance = abs(at / len(pieces) - 0.5)
    text = before.text.rstrip(_CLOSING)
    if text.endswith(_SENTENCE_ENDS) or after.start - before.end >= _PAUSE:
        return distance
    return distance + (0.25 if text.endswith(_CLAUSE_ENDS) else 0.4)


def _is_readable(cue: Cue) -> bool:
    return cue.end - cue.start <= MAX_SECONDS and _columns(cue.text) <= MAX_COLUMNS


def _columns(text: str) -> int:
    """Width on screen: a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _times(cue: Cue, mark: str) -> str:
    start = max(0, round(cue.start * 1000))
    end = max(start + 1, round(cue.end * 1000))  # players drop a cue that ends as it starts
    return f"{_clock(start, mark)} --> {_clock(end, mark)}"


def _clock(milliseconds: int, mark: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


def _voice(cue: Cue) -> str:
    return f"<v {_escape(cue.speaker).replace('>', '&gt;')}>" if cue.speaker else ""


def _without_arrow(text: str) -> str:
    return _ARROW.sub("->", text)


def _escape(text: str) -> str:
    return _without_arrow(text).replace("&", "&amp;").replace("<", "&lt;")
