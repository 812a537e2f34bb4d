"""Check a tokenizer.json before the library tokenizers runs it: texts must keep about their length.

The form is that of tokenizers 0.23: normalizer, pre_tokenizer, decoder and padding, each with its `type`.
Three `Replace` of "a" by a thousand take 4.9 GB and then the process; Python cannot catch an abort of C++ or
Rust code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import govor

NAME = "tokenizer.json"
LARGEST_BYTES = 64_000_000
"""Voxtral's has 15 MB, in a format of its own."""

LISTS = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"}
"""Key of the parts of each if it is a `Sequence`."""
MOST_PARTS = 32
LONGEST_PIECE = 64
"""Characters that are put before a text or a token: `prepend`, `prefix`, `suffix`."""
LONGEST_PATTERN = 1_000
"""Characters of a regular expression."""
MOST_PADDING = 4_096
"""Tokens."""


def check_tokenizer(spec: govor.ModelSpec, folder: Path) -> None:
    """Raise LoadFailed for a tokenizer.json in the folder of a model that lengthens texts much."""
    path = folder / NAME
    if not path.is_file():
        return
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"it is larger than {LARGEST_BYTES / 1e6:g} MB")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError("it holds no object")
        for part, key in LISTS.items():
            _check_part(part, list(_pieces(found.get(part), key)))
        _check_padding(found.get("padding"))
    except (OSError, ValueError, RecursionError) as error:
        raise govor.LoadFailed(f"The model '{spec.id}' is not loaded: {path}: {error}.") from error


def _pieces(part: Any, key: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the parts that a text passes, including those of nested sequences."""
    if part is None:
        return
    if not isinstance(part, dict) or depth > MOST_PARTS:
        raise ValueError("it has a part that is none")
    if part.get("type") != "Sequence":
        yield part
        return
    for piece in part.get(key) or ():
        yield from _pieces(piece, key, depth + 1)


def _check_part(part: str, pieces: list[Mapping[str, Any]]) -> None:
    if len(pieces) > MOST_PARTS:
        raise ValueError(f"its {part} has {len(pieces)} parts, more than {MOST_PARTS}")
    for piece in pieces:
        if piece.get("type") == "Replace" and not _keeps_length(piece):
            raise ValueError(f"its {part} replaces text by longer text")
        for key in ("prepend", "prefix", "suffix", "replacement", "word_delimiter_token"):
            if len(str(piece.get(key) or "")) > LONGEST_PIECE:
                raise ValueError(f"its {part} has a {key} of over {LONGEST_PIECE} letters")
        pattern = piece.get("pattern")
        if isinstance(pattern, dict) and len(str(pattern.get("Regex") or "")) > LONGEST_PATTERN:
            raise ValueError(f"its {part} has a pattern of over {LONGEST_PATTERN} letters")


def _keeps_length(piece: Mapping[str, Any]) -> bool:
    """Tell whether the replacement is no longer than the text. A pattern may match a single character."""
    pattern, content = piece.get("pattern"), piece.get("content")
    if not isinstance(pattern, dict) or not isinstance(content, str):
        return False
    plain = pattern.get("String")
    return len(content) <= (len(plain) if isinstance(plain, str) else 1)


def _check_padding(padding: Any) -> None:
    if not isinstance(padding, dict):
        return
    strategy = padding.get("strategy")
    fixed = strategy.get("Fixed") if isinstance(strategy, dict) else 0
    for length in (fixed, padding.get("pad_to_multiple_of") or 0):
        if not isinstance(length, int) or not 0 <= length <= MOST_PADDING:
            raise ValueError(f"it pads texts to {length!r} tokens")
