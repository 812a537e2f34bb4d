"""ONNX weights in fewer bits: half precision for storage, int8 for computation. Knows no model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

SMALLEST = 512
"""Constants of fewer values stay as they are: norms, biases, sizes."""
LARGEST = 127
"""Of a symmetric int8 weight."""


def halve(model: onnx.ModelProto) -> None:
    """Store float32 weights as float16, cast back at run time; those that float16 cannot represent stay.

    Inputs, outputs and all computed values stay float32.
    """
    halves, casts = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < SMALLEST or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        half = tensor.name + ".half"
        halves.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [tensor.name], to=TensorProto.FLOAT))
    _replace(model, {cast.output[0] for cast in casts}, halves, [*casts, *model.graph.node])


def quantise(model: onnx.ModelProto) -> None:
    """Compute every MatMul by a constant in int8: weights per column and signed, the other side per call.

    Convolutions stay: onnxruntime's ConvInteger is slower than its float32 one.
    """
    weights = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2
    }
    nodes: list[NodeProto] = []
    quantised: set[str] = set()
    done: dict[str, list[TensorProto]] = {}
    for node in model.graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights:
            nodes.append(node)
            continue
        values, weight = node.input
        if values not in quantised:  # once per value, however many products read it
            quantised.add(values)
            names = [f"{values}.{what}" for what in ("int8", "scale", "zero")]
            nodes.append(helper.make_node("DynamicQuantizeLinear", [values], names))
        if weight not in done:
            done[weight] = _columns(weight, weights[weight])
        nodes += _integer_product(values, weight, node.output[0])
    read = {name for node in nodes for name in node.input}
    _replace(model, done.keys() - read, [tensor for pair in done.values() for tensor in pair], nodes)


def _columns(name: str, weight: NDArray[np.float32]) -> list[TensorProto]:
    """Return a matrix as int8 and the scale of each column."""
    scale = np.maximum(np.abs(weight).max(axis=0), np.finfo(np.float32).tiny) / np.float32(LARGEST)
    whole = np.rint(weight / scale).astype(np.int8)
    return [
        numpy_helper.from_array(whole, f"{name}.int8"),
        numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"),
    ]


def _integer_product(values: str, weight: str, result: str) -> list[NodeProto]:
    """Return the nodes that onnxruntime fuses to one product in int8."""
    return [
        helper.make_node(
            "MatMulInteger", [f"{values}.int8", f"{weight}.int8", f"{values}.zero"], [f"{result}.sum"]
        ),
        helper.make_node("Cast", [f"{result}.sum"], [f"{result}.cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{values}.scale", f"{weight}.scale"], [f"{result}.scale"]),
        helper.make_node("Mul", [f"{result}.cast", f"{result}.scale"], [result]),
    ]


def _replace(
    model: onnx.ModelProto, gone: Iterable[str], new: list[TensorProto], nodes: list[NodeProto]
) -> None:
    """Replace constants, and put `nodes` in place of those of the graph."""
    left_out = set(gone)
    tensors = [tensor for tensor in model.graph.initializer if tensor.name not in left_out]
    graph = helper.make_graph(
        nodes, model.graph.name, model.graph.input, model.graph.output, [*tensors, *new]
    )
    model.graph.CopyFrom(graph)
