"""Whisper's weights out of CTranslate2's file, under the names and in the shapes that transformers has.

The layout is that of CTranslate2's `model_spec.py`, binary version 6: a header, then for each variable name,
rank, dimensions, type and bytes; last the names that stand for other variables.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
NORMS = {"gamma": "weight", "beta": "bias"}


class Reader:
    """Reads numbers and names from a file's bytes, one after the other."""

    def __init__(self, content: bytes):
        self._content = content
        self._at = 0

    def take(self, size: int) -> bytes:
        self._at += size
        return self._content[self._at - size : self._at]

    def number(self, kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", self.take(struct.calcsize(kind)))
        return int(value)

    def name(self) -> str:
        return self.take(self.number("H")).rstrip(b"\0").decode()


def read_variables(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return every variable of a model.bin."""
    reader = Reader(path.read_bytes())
    version = reader.number("I")
    assert version == 6, f"the layout of version {version} is not known here"
    reader.name(), reader.number("I")  # specification and its revision
    found = {}
    for _ in range(reader.number("I")):
        name = reader.name()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = TYPES[reader.number("B")]
        found[name] = np.frombuffer(reader.take(reader.number("I")), kind).reshape(shape)
    return found


def as_transformers(variables: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """Return a WhisperForConditionalGeneration's weights; keys have no bias there, and here it is zeros."""
    found: dict[str, NDArray[np.generic]] = {}
    for name, values in variables.items():
        if name.endswith("_scale") or values.ndim == 0 or name.count("/") < 2:
            continue
        scale = variables.get(f"{name}_scale")
        whole = values if scale is None else values / scale.reshape(-1, *[1] * (values.ndim - 1))
        found.update(_named(name, whole))
    return found


def _named(name: str, values: NDArray[np.generic]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    side, *path, kind = name.split("/")
    kind = NORMS.get(kind, kind)
    place = ".".join(path)
    top = {"embeddings": "embed_tokens", "position_encodings": "embed_positions"}.get(place, place)
    if not place.startswith("layer_") or place == "layer_norm":
        if place == "projection":
            return
        yield f"model.{side}.{top}.{'weight' if kind == 'encodings' else kind}", values
        return
    layer = re.sub(r"^layer_(\d+)", r"layers.\1", path[0])
    block, part = path[1], path[2]
    root = f"model.{side}.{layer}"
    if block == "ffn":
        names = {"layer_norm": "final_layer_norm", "linear_0": "fc1", "linear_1": "fc2"}
        yield f"{root}.{names[part]}.{kind}", values
        return
    ours = {"self_attention": "self_attn", "attention": "encoder_attn"}[block]
    if part == "layer_norm":
        yield f"{root}.{ours}_layer_norm.{kind}", values
        return
    fused = {
        ("self_attention", "linear_0"): ("q_proj", "k_proj", "v_proj"),
        ("self_attention", "linear_1"): ("out_proj",),
        ("attention", "linear_0"): ("q_proj",),
        ("attention", "linear_1"): ("k_proj", "v_proj"),
        ("attention", "linear_2"): ("out_proj",),
    }[block, part]
    for projection, share in zip(fused, np.split(values, len(fused)), strict=True):
        if (projection, kind) == ("k_proj", "bias"):
            assert not np.any(share), "transformers has no place for this bias"
        else:
            yield f"{root}.{ours}.{projection}.{kind}", np.ascontiguousarray(share)
