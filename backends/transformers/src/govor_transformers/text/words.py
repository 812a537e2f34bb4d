"""Tokens as bytes, and words made of them. Knows nothing of models."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import govor

SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})
"""Languages that part words by nothing: there each character is one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One token of the text; times in seconds from the start of the array, None where unknown."""

    id: int
    data: bytes
    logprob: float | None = None
    start: float | None = None
    end: float | None = None


def words_of(heard: Sequence[Heard], language: str | None) -> tuple[govor.Word, ...]:
    """Return the words that timed tokens make: a space begins one."""
    groups: list[list[Heard]] = []
    alone = language in SPACELESS
    for token in heard:
        whole = bool(groups) and alone and _is_text(b"".join(each.data for each in groups[-1]))
        if not groups or whole or token.data.startswith(b" "):
            groups.append([])
        groups[-1].append(token)
    return tuple(_words(groups))


def tokens_of(heard: Sequence[Heard]) -> tuple[govor.Token, ...]:
    """Return tokens as they stand in the text, which does not begin with a space."""
    found: list[govor.Token] = []
    for token in heard:
        data = token.data if found else token.data.lstrip()
        if data and token.logprob is not None:
            found.append(govor.Token(data.decode(errors="replace"), token.logprob, data))
    return tuple(found)


def mean_logprob(heard: Sequence[Heard]) -> float | None:
    """Return the mean over tokens; None without any."""
    known = [token.logprob for token in heard if token.logprob is not None]
    return math.fsum(known) / len(known) if known else None


def text_of(heard: Sequence[Heard]) -> str:
    """Return what tokens write, without spaces around it."""
    return b"".join(token.data for token in heard).decode(errors="replace").strip()


def piece_reader(pieces: Callable[[int], str | None], *, byte_level: bool) -> Callable[[int], bytes]:
    """Return a function from a token to its UTF-8 bytes; `pieces` gives its name in the vocabulary.

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


def _words(groups: Sequence[Sequence[Heard]]) -> Iterator[govor.Word]:
    for group in groups:
        text, start, end = text_of(group), group[0].start, group[-1].end
        if text and start is not None and end is not None:
            known = mean_logprob(group)
            yield govor.Word(text, round(start, 3), round(end, 3), None if known is None else math.exp(known))


def _is_text(data: bytes) -> bool:
    try:
        return bool(data.decode().strip())
    except UnicodeDecodeError:
        return False
