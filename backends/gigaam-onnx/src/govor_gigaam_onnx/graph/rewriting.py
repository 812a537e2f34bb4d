"""Rebuild GigaAM's encoder in the form that onnxruntime runs fastest on a CPU.

Differences to the graph that torch exports: channels stay last, so that convolutions of one frame are
products, and strided ones products over neighbouring frames; attention, rotation and SiLU are onnxruntime's
own operators; norms before products, and the half of a feed-forward module that is added, are folded into
weights; each run takes one recording, so that nothing is padded and nothing masked.
"""

from __future__ import annotations

import numpy as np
import onnx

from govor_gigaam_onnx.features import MELS
from govor_gigaam_onnx.graph.builder import GraphBuilder, Name
from govor_gigaam_onnx.graph.conformer import Attention, ConvolutionModule, Encoder, FeedForward
from govor_gigaam_onnx.graph.export import Norm, Product
from govor_gigaam_onnx.graph.subsampling import subsample

HALF = np.float32(0.5)


def build_graph(encoder: Encoder, *, int8: bool) -> onnx.ModelProto:
    """Return a model from (1, mels, frames) to (1, channels, frames / 4).

    With a CTC head, its output is log-probabilities, (1, frames / 4, classes).
    """
    graph = GraphBuilder(int8=int8)
    values = subsample(graph, "features", encoder)
    rotation = graph.integers(0), graph.constant(encoder.cosine), graph.constant(encoder.sine)
    for layer in encoder.layers:
        values = _feed_forward(graph, values, layer.first)
        values = _attend(graph, values, layer.attention, rotation, encoder.heads)
        values = _convolve(graph, values, layer.convolution)
        values = _feed_forward(graph, values, layer.second)
        values = graph.norm(values, layer.norm)
    if encoder.head is None:
        result = "encoded", graph.add("Transpose", values, perm=[0, 2, 1])
    else:
        scores = graph.product(values, encoder.head, exact=True)
        result = "log_probs", graph.add("LogSoftmax", scores, axis=-1)
    return graph.model(("features", [1, MELS, "frames"]), result)


def _normed(graph: GraphBuilder, values: Name, norm: Norm, product: Product) -> tuple[Name, Product]:
    """Return normalised values and their product, with the norm's scale and bias included."""
    weight = product.weight * norm.scale[:, None]
    bias = product.bias + norm.bias @ product.weight
    return graph.standardise(values, len(norm.scale), norm.epsilon), Product(weight, bias)


def _feed_forward(graph: GraphBuilder, values: Name, module: FeedForward) -> Name:
    normed, expand = _normed(graph, values, module.norm, module.expand)
    hidden = graph.silu(graph.product(normed, expand))
    halved = Product(module.contract.weight * HALF, module.contract.bias * HALF)
    return graph.add("Add", values, graph.product(hidden, halved))


def _attend(
    graph: GraphBuilder, values: Name, module: Attention, rotation: tuple[Name, Name, Name], heads: int
) -> Name:
    """Rotate the input of queries and keys once, as upstream does, not queries and keys themselves."""
    normed = graph.norm(values, module.norm)
    rotated = graph.contrib("RotaryEmbedding", normed, *rotation)
    attended = graph.contrib(
        "MultiHeadAttention",
        graph.product(rotated, module.query),
        graph.product(rotated, module.key),
        graph.product(normed, module.value),
        num_heads=heads,
    )
    return graph.add("Add", values, graph.product(attended, module.output))


def _convolve(graph: GraphBuilder, values: Name, module: ConvolutionModule) -> Name:
    normed, expand = _normed(graph, values, module.norm, module.expand)
    width = len(expand.bias) // 2
    kept = Product(expand.weight[:, :width], expand.bias[:width])
    gate = Product(expand.weight[:, width:], expand.bias[width:])
    gates = graph.add("Sigmoid", graph.product(normed, gate))
    gated = graph.add("Mul", graph.product(normed, kept), gates)
    mixed = graph.depthwise(gated, module.depthwise)
    hidden = graph.silu(mixed if module.inner_norm is None else graph.norm(mixed, module.inner_norm))
    return graph.add("Add", values, graph.product(hidden, module.contract))
