"""Check the small files of a conversion before C++ code trusts them.

CTranslate2 4.8 uses the token ids of config.json as places in memory, and tokenizers 0.23 follows
tokenizer.json, however much memory that takes: wrong ones end the process. Only sizes and numbers are
checked here, not the quality of the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import govor
from govor_whisper.files.tokenization import check_tokenizer
from govor_whisper.files.weights import Shape, read_shape

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
TOKENIZER = "tokenizer.json"
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")

LARGEST_BYTES = {CONFIG: 1_000_000, PREPROCESSOR: 10_000_000, TOKENIZER: 20_000_000}
"""Sizes of published ones: 2 kB, 0.4 kB or, with the mel filters written out, 0.3 MB, and 2.7 MB."""

TOKENS = ("suppress_ids", "suppress_ids_begin", "lang_ids")
HEADS = "alignment_heads"
LIMITS = {
    "feature_size": (1, 512),
    "sampling_rate": (govor.SAMPLE_RATE, govor.SAMPLE_RATE),
    "hop_length": (80, 1_600),
    "chunk_length": (1, 30),
    "n_fft": (16, 4_096),
}
"""Values of preprocessor_config.json that are read. Whisper's: 80 or 128, 16000, 160, 30 and 400."""


def check_conversion(name: str, folder: Path) -> None:
    """Raise LoadFailed if a file of the model `name` is wrong, or would take all memory."""
    try:
        shape = read_shape(folder / "model.bin")
        _check_vocabulary(folder, shape)
        _check_config(_read(folder, CONFIG), shape)
        _check_preprocessor(_read(folder, PREPROCESSOR), shape)
        check_tokenizer(_read(folder, TOKENIZER), shape.tokens)
    except (ValueError, OSError, RecursionError) as error:
        raise govor.LoadFailed(
            f"The model '{name}' in {folder} is not loaded: {error}. Fetch it again, or convert it anew with "
            "ct2-transformers-converter."
        ) from error


def _read(folder: Path, name: str) -> dict[str, Any]:
    """Return the object in a file; {} if there is no such file. Raises ValueError."""
    path = folder / name
    if not path.is_file():
        return {}
    if path.stat().st_size > LARGEST_BYTES[name]:
        raise ValueError(f"{name} is larger than {LARGEST_BYTES[name] / 1e6:g} MB")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds no object")
    return found


def _check_vocabulary(folder: Path, shape: Shape) -> None:
    """Check that there is one token for each row of the weights: with more, CTranslate2 leaves its memory."""
    found = [name for name in VOCABULARIES if (folder / name).is_file()]
    if not found:
        raise ValueError(f"it has neither {' nor '.join(VOCABULARIES)}")
    for name in found:
        count = _count_names(folder / name)
        if count != shape.tokens:
            raise ValueError(f"{name} names {count} tokens; the model has {shape.tokens}")


def _count_names(path: Path) -> int:
    if path.stat().st_size > LARGEST_BYTES[TOKENIZER]:
        raise ValueError(f"{path.name} is larger than {LARGEST_BYTES[TOKENIZER] / 1e6:g} MB")
    content = path.read_bytes()
    if path.suffix == ".txt":
        return content.count(b"\n") + (not content.endswith(b"\n"))
    try:
        names = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{path.name} is not JSON") from error
    return len(names) if isinstance(names, list) else 0


def _check_config(config: Mapping[str, Any], shape: Shape) -> None:
    for key in TOKENS:
        for token in _items(config, key):
            if not _is_between(token, 0, shape.tokens - 1):
                raise ValueError(
                    f"{CONFIG} names the token {token!r} in {key}; the model has the tokens 0 to "
                    f"{shape.tokens - 1}"
                )
    if config.get(HEADS) == []:
        raise ValueError(f"{CONFIG} names no head in {HEADS}")
    for pair in _items(config, HEADS):
        right = isinstance(pair, list) and len(pair) == 2
        if not (
            right and _is_between(pair[0], 0, shape.layers - 1) and _is_between(pair[1], 0, shape.heads - 1)
        ):
            raise ValueError(
                f"{CONFIG} names the head {pair!r} in {HEADS}; the decoder has {shape.layers} layers of "
                f"{shape.heads} heads"
            )


def _check_preprocessor(config: Mapping[str, Any], shape: Shape) -> None:
    for key, (least, most) in LIMITS.items():
        if key in config and not _is_between(config[key], least, most):
            raise ValueError(f"{PREPROCESSOR} has {key} = {config[key]!r}; {least} to {most} is possible")
    bands = config.get("feature_size", shape.bands)
    if bands != shape.bands:
        raise ValueError(f"{PREPROCESSOR} has feature_size = {bands}; the model takes {shape.bands} bands")


def _items(config: Mapping[str, Any], key: str) -> Iterator[Any]:
    found = config.get(key)
    if found is None:
        return
    if not isinstance(found, list):
        raise ValueError(f"{CONFIG} has {key} that is no list")
    yield from found


def _is_between(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
