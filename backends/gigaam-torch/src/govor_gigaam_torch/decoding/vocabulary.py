"""The vocabularies of GigaAM: single characters, and the pieces of a SentencePiece file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import govor

RUSSIAN = " абвгдежзийклмнопрстуфхцчшщъыьэюя"
"""The tokens of v1 to v3 without e2e, by id: 33 characters, no ё."""
MULTILINGUAL = " 'abcdefghijklmnopqrstuvwxyz" + "абвгдежзийклмнопрстуфхцчшщъыьэюяё" + "іғқңүұһәө"
"""The 70 tokens of the multilingual models, by id; their order was checked against the sha256 of the
published multilingual_vocab.txt."""

SPACE = "▁"
"""SentencePiece's character for a space."""
UNKNOWN = " ⁇ "
"""Text that SentencePiece decodes its unknown token to."""


def characters(tokens: Iterable[str]) -> govor.Vocabulary:
    """Return a vocabulary of single characters, a space among them."""
    return govor.Vocabulary(tuple(token.encode() for token in tokens), spaces_separate=True)


def sentencepiece(path: Path) -> govor.Vocabulary:
    """Read a SentencePiece `.model` file. Raises LoadFailed."""
    model = _read(path)

    def token(index: int) -> bytes:
        if model.is_control(index):
            return b""
        if model.is_unknown(index):
            return UNKNOWN.encode()
        piece: str = model.id_to_piece(index)
        return bytes([int(piece[3:5], 16)]) if model.is_byte(index) else piece.replace(SPACE, " ").encode()

    return govor.Vocabulary(tuple(token(index) for index in range(len(model))), spaces_separate=False)


def pieces(path: Path) -> list[str]:
    """Return the tokens as a SentencePiece `.model` file names them. Raises LoadFailed."""
    model = _read(path)
    return [model.id_to_piece(index) for index in range(len(model))]


def _read(path: Path) -> Any:
    from sentencepiece import SentencePieceProcessor

    model = SentencePieceProcessor()
    try:
        model.load(str(path))
    except (OSError, RuntimeError) as error:
        raise govor.LoadFailed(f"{path} cannot be read as a SentencePiece model: {error}") from error
    return model
