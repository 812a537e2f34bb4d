"""A transcript as Markdown (CommonMark 0.31, https://spec.commonmark.org)."""

from __future__ import annotations

import re

import govor
from govor_documents.contents import Note, Spoken, contents, title_of

SPECIAL = re.compile(r"[\\`*_\[\]<>&#~|$^=]")
"""Characters of CommonMark, and of GitHub's and Pandoc's extensions, that mean something within a line."""


def markdown(transcript: govor.Transcript, shown: govor.Presentation) -> str:
    """Return the page: each paragraph is one line, which begins with its time."""
    blocks = [f"# {escape(title_of(shown))}", *map(_block, contents(transcript, shown))]
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\g<0>", text)


def _block(part: Spoken | Note) -> str:
    if isinstance(part, Note):
        return f"> *{escape(part.text)}*"
    name = f"**{escape(part.speaker)}:** " if part.speaker else ""
    return f"`{part.time}` {name}{escape(part.text)}"
