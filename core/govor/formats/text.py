"""Segments to one text, whole or as they arrive."""

from __future__ import annotations

from collections.abc import Iterable

from govor.formats.languages import separator
from govor.types import Segment, Task, Transcript


class Joiner:
    """Builds the text of one recording while its segments arrive, in time order.

    `language` is what is known before the first segment: usually what the client asked for. It holds
    until a segment names its own, and so on. A translation is English whatever was spoken.
    """

    def __init__(self, language: str | None = None, *, task: Task = "transcribe"):
        self._language = language
        self._task = task
        self._started = False

    def add(self, segment: Segment) -> str:
        """Return what this segment appends, separator first; "" for silence."""
        text = segment.text.strip()
        if not text:
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
    """Return the `text` response; the newline at its end is OpenAI's."""
    return transcript.text + "\n"
