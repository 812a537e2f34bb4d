"""Names of tokens in a vocabulary, converted to the bytes of their text. Knows nothing of models."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache


def piece_reader(pieces: Callable[[int], str | None], *, byte_level: bool) -> Callable[[int], bytes]:
    """Return a function from a token to its UTF-8 bytes; `pieces` returns its name in the vocabulary.

    Byte-level vocabularies write each byte as one letter, others a space as `▁` and a byte as `<0xE2>`.
    """

    def read(token: int) -> bytes:
        piece = pieces(token) or ""
        if byte_level:
            letters = byte_letters()
            return b"".join(
                bytes((letters[letter],)) if letter in letters else letter.encode() for letter in piece
            )
        if match := re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", piece):
            return bytes.fromhex(match[1])
        return piece.replace("▁", " ").encode()

    return read


@cache
def byte_letters() -> dict[str, int]:
    """Return the byte of each letter, by the table of GPT-2: printable Latin-1 stands for itself."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(others)}
