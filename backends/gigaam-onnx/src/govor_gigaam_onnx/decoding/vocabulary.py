"""The file `*_vocab.txt` of the public exports: a line "token id" for each class of a model."""

from __future__ import annotations

import re
from pathlib import Path

import govor

SPACE = "▁"
BLANK = "<blk>"
SPECIAL = {"<unk>": " ⁇ ", "<s>": "", "</s>": ""}
"""Text of SentencePiece's special tokens, as SentencePiece decodes them."""


def read_vocabulary(path: Path) -> govor.Vocabulary:
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
    of_characters = all(len(piece) == 1 for piece in pieces[:-1])
    return govor.Vocabulary(tuple(_as_bytes(piece) for piece in pieces[:-1]), spaces_separate=of_characters)


def _as_bytes(piece: str) -> bytes:
    byte = re.fullmatch(r"<0x([0-9A-F]{2})>", piece)
    if byte:
        return bytes.fromhex(byte[1])
    return SPECIAL.get(piece, piece.replace(SPACE, " ")).encode()
