"""The tokens of a Moonshine model, read from its `tokenizer.bin`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import govor

SPACE = "▁".encode()
MARKS = re.compile(rb"<unk>|<s>|</s>|<<.*>>")
"""Tokens that are no text: beginning, end, and places kept for times and tasks."""


class Vocabulary:
    """Turns token ids into text."""

    def __init__(self, entries: Iterable[bytes]):
        """`entries` are the tokens in order of their ids, as the file has them."""
        texts = (b"" if MARKS.fullmatch(entry) else entry.replace(SPACE, b" ") for entry in entries)
        self._texts = tuple(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def data(self, ids: Iterable[int]) -> list[bytes]:
        """Return the UTF-8 bytes of each token; joined they are the text, which begins with no space."""
        pieces = [self._texts[token] for token in ids]
        for place, piece in enumerate(pieces):
            pieces[place] = piece.lstrip()
            if pieces[place]:
                break
        return pieces


def read_vocabulary(path: Path) -> Vocabulary:
    """Read the file: each token's length, then its bytes. Raises LoadFailed where that does not come out."""
    content = path.read_bytes()
    try:
        return Vocabulary(_entries(content))
    except IndexError as error:
        raise govor.LoadFailed(f"{path} is no list of tokens: it ends in the midst of one.") from error


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
