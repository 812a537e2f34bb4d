"""What the classes of a model stand for: `*_vocab.txt` of the public exports, a line "token id" each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import govor

SPACE = "▁"
BLANK = "<blk>"
SPECIAL = {"<unk>": " ⁇ ", "<s>": "", "</s>": ""}
"""As SentencePiece decodes its own tokens."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens by id. The blank is not among them: its id is `len(vocabulary)`."""

    tokens: tuple[bytes, ...]
    """UTF-8; a space stands where a word begins. A token may hold a part of a character."""
    by_character: bool
    """Every token is one character, so that a space stands between two words and belongs to neither."""

    def __len__(self) -> int:
        return len(self.tokens)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of these tokens."""
        return b"".join(self.tokens[token] for token in ids).decode(errors="replace")

    def begins_word(self, token: int) -> bool:
        return self.tokens[token].startswith(b" ")

    def separates(self, token: int) -> bool:
        """Tell whether the token is no part of a word."""
        return self.by_character and self.tokens[token] == b" "


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a file whose last token is the blank. Raises LoadFailed, which names it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if line]
        pieces = [piece for piece, _ in pairs]
        ids = [int(number) for _, number in pairs]
    except (OSError, ValueError) as error:
        raise govor.LoadFailed(f"{path} is no vocabulary of lines 'token id': {error}") from error
    if ids != list(range(len(ids))) or pieces[-1:] != [BLANK]:
        raise govor.LoadFailed(f"{path} is no vocabulary: ids must count from 0, up to that of {BLANK}.")
    by_character = all(len(piece) == 1 for piece in pieces[:-1])
    return Vocabulary(tuple(_as_bytes(piece) for piece in pieces[:-1]), by_character)


def _as_bytes(piece: str) -> bytes:
    byte = re.fullmatch(r"<0x([0-9A-F]{2})>", piece)
    if byte:
        return bytes.fromhex(byte[1])
    return SPECIAL.get(piece, piece.replace(SPACE, " ")).encode()
