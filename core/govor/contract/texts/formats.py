"""Formats of responses that plugins add: their names, and a function that writes a transcript.

Knows nothing of HTTP or files; imports the standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from govor.contract.results import Transcript

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,16}")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+(; ?[a-z-]+=[A-Za-z0-9.-]+)*")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the text for people: what one speaker says until a pause. Times are seconds."""

    text: str
    start: float
    end: float
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Presentation:
    """A transcript as a client asks to see it: in paragraphs, with a title and times."""

    paragraphs: tuple[Paragraph, ...] = ()
    """The text in paragraphs, as the format `txt` divides it, without control characters."""
    title: str = ""
    """Name of the recording's file, without suffix; empty: unknown."""
    times: bool = False
    """Whether the client asks for times of paragraphs or segments."""
    words: bool = False
    """Whether the client asks for times of words."""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """A format that clients choose by its name. Raises ValueError if a field has an impossible value."""

    name: str
    """The value of `response_format`: small letters, digits and `_`."""
    media_type: str
    """Media type of the body. A text is UTF-8; if a type `text/…` names no charset, the core adds it."""
    suffix: str
    """Suffix of files, with its dot."""
    render: Callable[[Transcript, Presentation], str | bytes]
    """Return the body. Runs in a thread, several calls at once; what it raises is answered as an error."""
    needs_words: bool = False
    """Whether the model is asked for the times of words even if the client does not ask for them."""

    def __post_init__(self) -> None:
        for field, pattern in (("name", _NAME), ("suffix", _SUFFIX), ("media_type", _MEDIA_TYPE)):
            value = getattr(self, field)
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ValueError(f"{field} {value!r} of a response format must match {pattern.pattern}")
        if not callable(self.render):
            raise ValueError(f"render of the response format '{self.name}' is no function")


def checked_formats(given: Iterable[object]) -> tuple[ResponseFormat, ...]:
    """Return what a plugin's hook gave. Raises TypeError, or ValueError if a name occurs twice."""
    found: dict[str, ResponseFormat] = {}
    for each in given:
        if not isinstance(each, ResponseFormat):
            raise TypeError(f"formats() gave {type(each).__name__} instead of ResponseFormat")
        if each.name in found:
            raise ValueError(f"format '{each.name}' is declared twice")
        found[each.name] = each
    return tuple(found.values())
