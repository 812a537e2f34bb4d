"""The bytes of Whisper's tokens. Knows nothing of models."""

from __future__ import annotations

from functools import cache
from typing import Protocol

END = "<|endoftext|>"
"""The first token that is no text; languages, tasks and times follow it."""


class Tokenizer(Protocol):
    """The part of tokenizers.Tokenizer that is needed."""

    def id_to_token(self, number: int, /) -> str | None: ...

    def token_to_id(self, token: str, /) -> int | None: ...


class TokenBytes:
    """Returns the bytes of a token; none for one that is no text."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._end = tokenizer.token_to_id(END)
        self._known: dict[int, bytes] = {}

    def __call__(self, token: int) -> bytes:
        if token not in self._known:
            self._known[token] = self._read(token)
        return self._known[token]

    def _read(self, token: int) -> bytes:
        if self._end is not None and token >= self._end:
            return b""
        letters = byte_letters()
        piece = self._tokenizer.id_to_token(token) or ""
        return b"".join(
            bytes((letters[letter],)) if letter in letters else letter.encode() for letter in piece
        )


@cache
def byte_letters() -> dict[str, int]:
    """Return the byte of each letter, by the table of GPT-2: printable Latin-1 stands for itself."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(others)}
