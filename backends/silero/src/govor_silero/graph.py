"""Rebuild Silero's network with its convolutions as products over neighbouring frames: three times as fast.

Measured in windows of 64 frames: a second of audio takes 0.28 ms of CPU, with the published network 0.93 ms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]

SHAPES = [(258, 1, 256), (128, 129, 3), (64, 128, 3), (64, 64, 3), (128, 64, 3), (1, 128, 1)]
"""Shapes of the convolutions, in order: the spectrum, four layers, the probability."""
INPUT, HOP, BINS, UNITS = 576, 128, 129, 128
STATE: list[str | int | None] = [1, 1, UNITS]
GATES = [(1, 4 * UNITS, UNITS), (1, 4 * UNITS, UNITS), (1, 8 * UNITS)]
"""Shapes of the LSTM: weights of inputs and of the state, biases."""


class NotUnderstood(ValueError):
    """The network's structure is not the expected one."""


def rewrite(content: bytes) -> bytes:
    """Return a network with the same inputs and outputs, and results within 2e-6. Raises NotUnderstood."""
    published = onnx.load_from_string(content)
    (spectrum, _), first, second, third, fourth, probability = _convolutions(published)
    graph = _Graph()
    values = _magnitudes(graph, spectrum)
    # Four places of the spectrum become four, two, one and one; the kernel's places beside them are zero.
    values = _layer(graph, _windows(graph, values, margins=(1, 1), starts=(0, 1, 2, 3)), *first)
    values = _layer(graph, _windows(graph, values, margins=(1, 0), starts=(0, 2)), *second)
    values = graph.add("Reshape", values, graph.integers(-1, 1, 2 * third[0].shape[1]))
    values = _layer(graph, values, third[0][:, :, 1:], third[1])
    values = _layer(graph, values, fourth[0][:, :, 1:2], fourth[1])
    heard = graph.add("Reshape", _remember(graph, values, published), graph.integers(-1, UNITS))
    scores = _product(graph, graph.add("Relu", heard), *probability)
    return graph.model(graph.add("Sigmoid", graph.add("Reshape", scores, graph.integers(-1))))


def _magnitudes(graph: _Graph, basis: Floats) -> str:
    """Return (frames, 4, 129): the spectrum at four places of each frame, 128 samples apart."""
    mirrored = graph.add("Pad", "input", graph.integers(0, 0, 0, HOP // 2), mode="reflect")
    halves = [
        graph.add("Reshape", graph.slice(mirrored, start, start + 4 * HOP), graph.integers(-1, 4, HOP))
        for start in (0, HOP)
    ]
    samples = graph.add("Concat", *halves, axis=-1)
    bases = (graph.constant(part[:, 0].T) for part in (basis[:BINS], basis[BINS:]))  # cosines, sines
    parts = [graph.add("MatMul", samples, part) for part in bases]
    return graph.add("Sqrt", graph.add("Add", *(graph.add("Mul", part, part) for part in parts)))


def _windows(graph: _Graph, values: str, margins: tuple[int, int], starts: tuple[int, ...]) -> str:
    """Return (frames, starts, 3 channels): the three places from each start on, side by side."""
    padded = graph.add("Pad", values, graph.integers(0, margins[0], 0, 0, margins[1], 0))
    step = starts[1] - starts[0]
    taps = [graph.slice(padded, tap, tap + starts[-1] + 1, step=step) for tap in range(3)]
    return graph.add("Concat", *taps, axis=-1)


def _layer(graph: _Graph, values: str, weight: Floats, bias: Floats) -> str:
    return graph.add("Relu", _product(graph, values, weight, bias))


def _product(graph: _Graph, values: str, weight: Floats, bias: Floats) -> str:
    """Multiply by the weights (outputs, channels, width) of a convolution with adjacent windows."""
    matrix = weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])
    return graph.add("Add", graph.add("MatMul", values, graph.constant(matrix)), graph.constant(bias))


def _remember(graph: _Graph, values: str, published: onnx.ModelProto) -> str:
    """Put the published LSTM after (frames, 1, 128); its states are outputs."""
    (lstm,) = (node for node in published.graph.node if node.op_type == "LSTM")
    weights = [graph.constant(_stored(published)[name]) for name in lstm.input[1:4]]
    names = ["heard", "hn", "cn"]
    graph.nodes.append(helper.make_node("LSTM", [values, *weights, "", "h", "c"], names, hidden_size=UNITS))
    return names[0]


def _convolutions(published: onnx.ModelProto) -> list[tuple[Floats, Floats]]:
    """Return weight and bias of each, in order. Raises NotUnderstood, for the LSTM too."""
    stored = _stored(published)
    found = []
    for node in published.graph.node:
        if node.op_type == "Conv":
            weight, bias = (stored.get(name) for name in (*node.input[1:], "")[:2])
            if weight is not None:
                found.append((weight, np.zeros(len(weight), np.float32) if bias is None else bias))
    shapes = [weight.shape for weight, _ in found]
    lstms = [node for node in published.graph.node if node.op_type == "LSTM"]
    gates = [stored[name].shape if name in stored else None for lstm in lstms for name in lstm.input[1:4]]
    if shapes != SHAPES or gates != GATES:
        raise NotUnderstood(f"its convolutions are {shapes}, its LSTM is {gates}")
    return found


def _stored(published: onnx.ModelProto) -> dict[str, Any]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in published.graph.initializer}


class _Graph:
    """A graph under construction; methods add nodes and return the name of their result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: ArrayLike) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def slice(self, values: str, start: int, end: int, *, step: int = 1) -> str:
        """Cut along the second axis."""
        return self.add("Slice", values, *(self.integers(number) for number in (start, end, 1, step)))

    def model(self, probabilities: str) -> bytes:
        self.nodes.append(helper.make_node("Identity", [probabilities], ["speech_probs"]))
        inputs: dict[str, list[str | int | None]] = {"input": ["frames", INPUT], "h": STATE, "c": STATE}
        outputs: dict[str, list[str | int | None]] = {"speech_probs": ["frames"], "hn": STATE, "cn": STATE}
        sources, results = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in values.items()]
            for values in (inputs, outputs)
        )
        graph = helper.make_graph(self.nodes, "silero", sources, results, self._constants)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="govor")
        content: bytes = model.SerializeToString()
        return content
