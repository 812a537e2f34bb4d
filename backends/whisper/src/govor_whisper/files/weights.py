"""Read the shape of a network from the names and sizes in its model.bin; the weights are skipped.

The layout is that of CTranslate2's `model_spec.py`, binary version 6, the only one since it supports Whisper:
version, name and revision of the specification, number of variables; then for each its name, rank,
dimensions, type, number of bytes, and the bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

VERSION = 6
MOST_VARIABLES = 10_000
"""large-v3 has 2,000."""

EMBEDDINGS = "decoder/embeddings/weight"
FILTERS = "encoder/conv1/weight"
HEADS = "decoder/num_heads"
LAYER = re.compile(r"decoder/layer_(\d+)/")
SCALARS = {1: "<b", 2: "<h", 4: "<i"}
"""Formats in `struct` of an integer by its number of bytes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers that the small files of a conversion must agree with."""

    tokens: int
    """Rows of the decoder's embedding: the ids of tokens are below it."""
    layers: int
    """Number of the decoder's layers."""
    heads: int
    """Attention heads of each of its layers."""
    bands: int
    """Mel bands of the encoder's input."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the file; `value` is that of a scalar."""

    name: str
    dimensions: tuple[int, ...]
    value: int


def read_shape(path: Path) -> Shape:
    """Return the shape of the network in a model.bin. Raises ValueError if it is no Whisper, OSError."""
    with path.open("rb") as file:
        try:
            known = {variable.name: variable for variable in _variables(file, path.stat().st_size)}
            tokens, _ = known[EMBEDDINGS].dimensions
            _, bands, _ = known[FILTERS].dimensions
            heads = known[HEADS].value
        except (KeyError, ValueError, struct.error, UnicodeDecodeError) as error:
            message = f"{path.name} is incomplete, or holds no Whisper of CTranslate2 ({error})"
            raise ValueError(message) from error
    layers = {int(match[1]) for name in known if (match := LAYER.match(name))}
    return Shape(tokens, max(layers, default=-1) + 1, heads, bands)


def _variables(file: BinaryIO, size: int) -> Iterator[Variable]:
    if (version := _number(file, "<I")) != VERSION:
        raise ValueError(f"its layout has version {version}, not {VERSION}")
    _name(file), _number(file, "<I")
    count = _number(file, "<I")
    if count > MOST_VARIABLES:
        raise ValueError(f"it states {count} variables")
    for _ in range(count):
        name = _name(file)
        rank = _number(file, "<B")
        dimensions = tuple(_number(file, "<I") for _ in range(rank))
        file.seek(1, 1)  # the type
        length = _number(file, "<I")
        if file.tell() + length > size:
            raise ValueError(f"it ends within {name}")
        is_number = not rank and length in SCALARS
        value = _number(file, SCALARS[length]) if is_number else 0
        file.seek(0 if is_number else length, 1)
        yield Variable(name, dimensions, value)


def _number(file: BinaryIO, form: str) -> int:
    (value,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return int(value)


def _name(file: BinaryIO) -> str:
    return file.read(_number(file, "<H")).rstrip(b"\0").decode()
