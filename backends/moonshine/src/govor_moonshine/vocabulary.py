"""The tokens of a Moonshine model, read from its `tokenizer.bin`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import govor

SPACE = "▁".encode()
MARKS = re.compile(rb"<unk>|<s>|</s>|<<.*>>")
"""Tokens that are no text: beginning, end, and placeholders for times and tasks."""


def read_vocabulary(path: Path) -> govor.Vocabulary:
    """Read the file: each token's length, then its bytes. Raises LoadFailed if its form is another."""
    content = path.read_bytes()
    try:
        return govor.Vocabulary(tuple(_as_text(entry) for entry in _entries(content)))
    except IndexError as error:
        raise govor.LoadFailed(f"{path} is no list of tokens: it ends in the midst of one.") from error


def _as_text(entry: bytes) -> bytes:
    return b"" if MARKS.fullmatch(entry) else entry.replace(SPACE, b" ")


def _entries(content: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(content):
        size = content[place]
        place += 1
        if size >= 0x80:  # a second byte has the higher bits
            size += (content[place] - 1) * 0x80
            place += 1
        if place + size > len(content):
            raise IndexError(place)
        yield content[place : place + size]
        place += size
