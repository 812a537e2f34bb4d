"""The strided convolutions before a GigaAM encoder, built as products: one frame of four remains.

Channels stay last. The values under each place of the kernel are put side by side, then multiplied.
"""

from __future__ import annotations

import numpy as np

from govor_gigaam_onnx.graph.builder import GraphBuilder, Name
from govor_gigaam_onnx.graph.conformer import Encoder
from govor_gigaam_onnx.graph.export import Convolution, Product

END = np.iinfo(np.int64).max
"""As the end of a slice: up to the last element."""


def subsample(graph: GraphBuilder, features: Name, encoder: Encoder) -> Name:
    """Return (1, frames / 4, channels) of (1, mels, frames)."""
    values = graph.add("Transpose", features, perm=[0, 2, 1])
    if encoder.projection is None:
        for convolution in encoder.subsampling:
            values = _halve(graph, values, convolution)
        return values
    values = graph.add("Unsqueeze", values, graph.integers(3))
    for convolution in encoder.subsampling:
        values = _halve(graph, values, convolution)
    flat = graph.add("Reshape", values, graph.integers(1, 0, -1))
    return graph.product(flat, _bands_first(encoder.projection, encoder.width))


def _halve(graph: GraphBuilder, values: Name, convolution: Convolution) -> Name:
    """Convolve (1, frames, channels) or (1, frames, bands, channels) with stride 2, then ReLU."""
    outputs, _, width, *_ = convolution.weight.shape
    axes = range(1, convolution.weight.ndim - 1)
    margins = [width // 2 if axis in axes else 0 for axis in range(len(axes) + 2)]
    padded = graph.add("Pad", values, graph.integers(*margins, *margins))
    for axis in axes:
        padded = _trim(graph, padded, axis, width)

    def windows(padded: Name) -> Name:
        taps = []
        for starts in np.ndindex(*[width] * len(axes)):
            ends = [start - width + 1 or END for start in starts]
            bounds = (graph.integers(*each) for each in (starts, ends, axes, [2] * len(axes)))
            taps.append(graph.add("Slice", padded, *bounds))
        return graph.add("Concat", *taps, axis=-1)

    weight = np.moveaxis(convolution.weight, (0, 1), (-1, -2)).reshape(-1, outputs)
    return graph.add("Relu", graph.product(padded, Product(weight, convolution.bias), arrange=windows))


def _trim(graph: GraphBuilder, padded: Name, axis: int, width: int) -> Name:
    """Cut off values that no window reaches: windows of odd width with stride 2 end at an odd length."""
    length = graph.add("Shape", padded, start=axis, end=axis + 1)
    two, rest = graph.integers(2), graph.integers(width - 2)
    halves = graph.add("Div", graph.add("Sub", length, rest), two)
    end = graph.add("Add", graph.add("Mul", halves, two), rest)
    return graph.add("Slice", padded, graph.integers(0), end, graph.integers(axis))


def _bands_first(projection: Product, channels: int) -> Product:
    """Reorder the inputs of a product from (channel, band) to (band, channel)."""
    inputs, outputs = projection.weight.shape
    weight = projection.weight.reshape(channels, inputs // channels, outputs).swapaxes(0, 1)
    return Product(weight.reshape(inputs, outputs), projection.bias)
