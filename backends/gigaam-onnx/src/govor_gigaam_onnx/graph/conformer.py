"""Find the weights of a GigaAM encoder, v2 and later, in an ONNX export. Does not run it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from govor_gigaam_onnx.graph.export import Convolution, Export, Floats, Norm, NotUnderstood, Part, Product

LONGEST = 5000
"""Frames in a rotary table, as in upstream's: 200 s."""

AnyPart = TypeVar("AnyPart", Norm, Product, Convolution)


@dataclass(frozen=True, slots=True)
class FeedForward:
    """norm -> product -> SiLU -> product; half of the result is added to the input."""

    norm: Norm
    expand: Product
    contract: Product


@dataclass(frozen=True, slots=True)
class Attention:
    """norm -> rotation -> queries and keys; norm -> values; the result is added to the input."""

    norm: Norm
    query: Product
    key: Product
    value: Product
    output: Product


@dataclass(frozen=True, slots=True)
class ConvolutionModule:
    """norm -> product -> GLU -> convolution of each channel -> norm -> SiLU -> product; added."""

    norm: Norm
    expand: Product
    """Twice as wide as the model: values, then gates."""
    depthwise: Convolution
    inner_norm: Norm | None
    """v2 has batch normalisation here, which exports fold into the convolution."""
    contract: Product


@dataclass(frozen=True, slots=True)
class Layer:
    """One Conformer layer."""

    first: FeedForward
    attention: Attention
    convolution: ConvolutionModule
    second: FeedForward
    norm: Norm


@dataclass(frozen=True, slots=True)
class Encoder:
    """The whole encoder, and the CTC head if the file has one."""

    subsampling: tuple[Convolution, Convolution]
    """Every second frame, ReLU after each: 5 wide over time, or in v2 3 wide over time and frequency."""
    projection: Product | None
    """v2: from (channel, band), band running faster, to the model's width."""
    layers: tuple[Layer, ...]
    head: Product | None
    cosine: Floats
    """(frames, half a head) of the rotary embedding, as is `sine`."""
    sine: Floats

    @property
    def width(self) -> int:
        """Channels of the model."""
        return int(self.subsampling[0].bias.size)

    @property
    def heads(self) -> int:
        """Attention heads."""
        return self.width // (2 * len(self.cosine[0]))


def read_encoder(export: Export) -> Encoder:
    """Return the encoder of an export. Raises NotUnderstood if it is something else."""
    cosine, sine = _rotation(export)
    parts = _Parts(export.parts())
    subsampling = parts.convolution(), parts.convolution()
    kernels = [convolution.weight.shape[2:] for convolution in subsampling]
    if kernels not in ([(5,), (5,)], [(3, 3), (3, 3)]):
        raise NotUnderstood(f"not an encoder of GigaAM: its first convolutions are {kernels}")
    projection = parts.product() if len(kernels[0]) == 2 else None
    layers = []
    while parts.next_is(Norm):
        layers.append(_read_layer(parts))
    head = parts.pointwise() if parts.next_is(Convolution) else None
    if not layers or not parts.at_end:
        raise NotUnderstood("not an encoder of GigaAM: something follows its layers, or there are none")
    return Encoder(subsampling, projection, tuple(layers), head, cosine, sine)


def _read_layer(parts: _Parts) -> Layer:
    return Layer(
        first=FeedForward(parts.norm(), parts.product(), parts.product()),
        attention=Attention(parts.norm(), parts.product(), parts.product(), parts.product(), parts.product()),
        convolution=ConvolutionModule(
            parts.norm(),
            parts.pointwise(),
            parts.convolution(),
            parts.norm() if parts.next_is(Norm) else None,
            parts.pointwise(),
        ),
        second=FeedForward(parts.norm(), parts.product(), parts.product()),
        norm=parts.norm(),
    )


def _rotation(export: Export) -> tuple[Floats, Floats]:
    """Return the tables of cosines and sines, (frames, half a head) each."""
    for table in export.constants(rank=4):  # upstream's: cosines, then sines, the halves of a head alike
        if table.shape[1:3] == (1, 1) and table.shape[0] > 1:
            frames, channels = table.shape[0] // 2, table.shape[3]
            halves = table[:, 0, 0, : channels // 2].astype(np.float32)
            return halves[:frames], halves[frames:]
    for vector in export.constants(rank=1):  # others compute the tables from channels' speeds
        speeds = vector.astype(np.float32) if vector.dtype.kind == "f" else np.zeros(0, np.float32)
        if _falls_evenly(speeds):
            angles = np.outer(np.arange(LONGEST, dtype=np.float32), speeds)
            return np.cos(angles), np.sin(angles)
    raise NotUnderstood("not a rotary encoder: it holds no cosines and sines, nor what they are made of")


def _falls_evenly(speeds: Floats) -> bool:
    """Tell whether numbers fall from 1 by a constant factor."""
    if len(speeds) < 2 or speeds[0] != 1 or not np.all(speeds > 0):
        return False
    factors = speeds[1:] / speeds[:-1]
    return bool(factors[0] < 1 and np.allclose(factors, factors[0], rtol=1e-3))


class _Parts:
    """The parts of an export, taken one by one, each of the expected kind."""

    def __init__(self, parts: Iterator[Part]):
        self._parts = parts
        self._next = next(parts, None)

    @property
    def at_end(self) -> bool:
        return self._next is None

    def next_is(self, kind: type[Part]) -> bool:
        return isinstance(self._next, kind)

    def norm(self) -> Norm:
        return self._take(Norm)

    def product(self) -> Product:
        return self._take(Product)

    def convolution(self) -> Convolution:
        return self._take(Convolution)

    def pointwise(self) -> Product:
        """Return a convolution that is one frame wide as a product."""
        part = self.convolution()
        if part.weight.shape[2:] != (1,):
            raise NotUnderstood(f"a convolution of one frame was expected, not of {part.weight.shape[2:]}")
        return Product(part.weight[:, :, 0].T, part.bias)

    def _take(self, kind: type[AnyPart]) -> AnyPart:
        part, self._next = self._next, next(self._parts, None)
        if not isinstance(part, kind):
            raise NotUnderstood(
                f"not an encoder of GigaAM: {type(part).__name__} where {kind.__name__} is due"
            )
        return part
