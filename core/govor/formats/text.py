"""Join segments to one text, whole or as they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from govor.contract.results import Segment, Task, Transcript
from govor.formats.languages import separator
from govor.formats.timeline import TimedWord
from govor.plain import has_text, without_controls


class Joiner:
    """Builds the text of one recording while its segments arrive, in time order.

    `language` is the one known before the first segment: usually the client's. It holds until a segment names
    its own, and so on. A translation is English whatever was spoken.
    """

    def __init__(self, language: str | None = None, *, task: Task = "transcribe"):
        self._language = language
        self._task = task
        self._started = False

    def add(self, segment: Segment) -> str:
        """Return the text that this segment appends, separator first; "" for silence."""
        text = segment.text.strip()
        if not has_text(text):
            return ""
        self._language = segment.language or self._language
        written = "en" if self._task == "translate" else self._language
        before = separator(written) if self._started else ""
        self._started = True
        return before + text


def join_texts(segments: Iterable[Segment], language: str | None, *, task: Task = "transcribe") -> str:
    """Return the top-level text: exactly what a Joiner with the same arguments appends in all."""
    joiner = Joiner(language, task=task)
    return "".join(joiner.add(segment) for segment in segments)


def text_body(transcript: Transcript) -> str:
    """Return the `text` response; the newline at its end is OpenAI's.

    If speakers are known, each turn has a line of its own, which begins with the name.
    """
    spoken = [segment for segment in transcript.segments if has_text(segment.text)]
    if not any(segment.speaker for segment in spoken):
        return without_controls(transcript.text) + "\n"
    turns = groupby(spoken, key=lambda segment: segment.speaker or "")
    language, task = transcript.language, transcript.task
    lines = (spoken_by(name, join_texts(turn, language, task=task)) + "\n" for name, turn in turns)
    return without_controls("".join(lines))


def spoken_by(speaker: str, text: str) -> str:
    """Put the speaker's name, if there is one, before the text."""
    name = " ".join(speaker.split())
    return f"{name}: {text}" if name else text


def cut_at_words(text: str, words: Sequence[TimedWord]) -> list[str]:
    """Return a piece of text per word; together they are the text. Empty if a word is not in it."""
    edges: list[int] = []
    position = 0
    for word in words:
        found = text.find(word.text.strip(), position)
        if found < 0:
            return []
        edges.append(text.rfind(" ", position, found) + 1 or found)  # an opening quote goes with its word
        position = found + len(word.text.strip())
    return [text[a:b] for a, b in pairwise([0, *edges[1:], len(text)])] if words else []
