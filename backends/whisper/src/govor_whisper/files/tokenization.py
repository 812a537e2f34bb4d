"""Check a tokenizer.json: texts must keep about their length, and ids must lie within the model.

The form is that of tokenizers 0.23 (bindings/python/py_src/tokenizers): normalizer, pre_tokenizer, model,
decoder and padding, each with its `type`. Whisper's are byte-level BPE; other parts pass if they cannot make
texts much longer. Three `Replace` of "a" by a thousand took 4.9 GB and then the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NORMALIZERS = frozenset({"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Nmt"})
SPLITTERS = frozenset({"ByteLevel", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit"})
"""No `Split`: its pattern may take hours for a line of text."""
DECODERS = frozenset({"ByteLevel", "ByteFallback", "Fuse", "Strip"})

PARTS = {"normalizer": NORMALIZERS, "pre_tokenizer": SPLITTERS, "decoder": DECODERS}
LISTS = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"}
"""Key of the parts of each if it is a `Sequence`."""
MOST_PARTS = 16

LONGEST_TOKEN = 1_024
"""Characters. Whisper's longest has 128."""

MOST_PADDING = 4_096
"""Tokens. Whisper's decoder has 448 positions."""


def check_tokenizer(found: Mapping[str, Any], tokens: int) -> None:
    """Raise ValueError for a tokenizer that lengthens texts, or has ids beyond the model's `tokens`."""
    for part, allowed in PARTS.items():
        pieces = list(_pieces(found.get(part), LISTS[part]))
        if len(pieces) > MOST_PARTS:
            raise ValueError(f"tokenizer.json has a {part} of {len(pieces)} parts")
        for piece in pieces:
            _check_piece(part, piece, allowed)
    _check_padding(found.get("padding"))
    _check_ids(found, tokens)


def _pieces(part: Any, key: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the parts that a text passes, including those of nested sequences."""
    if part is None:
        return
    if not isinstance(part, dict) or depth > MOST_PARTS:
        raise ValueError("tokenizer.json has a part that is none")
    if part.get("type") != "Sequence":
        yield part
        return
    for piece in part.get(key) or ():
        yield from _pieces(piece, key, depth + 1)


def _check_piece(part: str, piece: Mapping[str, Any], allowed: frozenset[str]) -> None:
    kind = piece.get("type")
    if kind == "Replace" and part != "pre_tokenizer" and _shortens(piece):
        return
    if kind not in allowed:
        raise ValueError(
            f"tokenizer.json has the {part} {kind!r}"
            + (", which makes texts longer" if kind == "Replace" else ", which no Whisper has")
        )


def _shortens(piece: Mapping[str, Any]) -> bool:
    """Tell whether the replacement is no longer than the plain text that it replaces."""
    pattern, content = piece.get("pattern"), piece.get("content")
    plain = pattern.get("String") if isinstance(pattern, dict) else None
    return isinstance(plain, str) and isinstance(content, str) and 0 < len(plain) >= len(content)


def _check_padding(padding: Any) -> None:
    if padding is None:
        return
    strategy = padding.get("strategy") if isinstance(padding, dict) else None
    fixed = strategy.get("Fixed") if isinstance(strategy, dict) else 0
    multiple = (padding.get("pad_to_multiple_of") if isinstance(padding, dict) else 0) or 0
    for length in (fixed, multiple):
        if not isinstance(length, int) or not 0 <= length <= MOST_PADDING:
            raise ValueError(f"tokenizer.json pads texts to {length!r} tokens; Whisper has 448")


def _check_ids(found: Mapping[str, Any], tokens: int) -> None:
    model = found.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        raise ValueError("tokenizer.json is no BPE, which every Whisper's is")
    vocabulary, added = model.get("vocab"), found.get("added_tokens") or []
    if not isinstance(vocabulary, dict) or not isinstance(added, list):
        raise ValueError("tokenizer.json has no vocabulary")
    known = [*vocabulary.items(), *((one.get("content"), one.get("id")) for one in added)]
    for name, token in known:
        if not isinstance(name, str) or len(name) > LONGEST_TOKEN:
            raise ValueError("tokenizer.json has a token that is none, or longer than any")
        if not isinstance(token, int) or not 0 <= token < tokens:
            raise ValueError(
                f"tokenizer.json gives {name!r} the id {token!r}; the model has the tokens 0 to {tokens - 1}"
            )
