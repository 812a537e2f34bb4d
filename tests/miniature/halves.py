"""ONNX files with half-precision weights: to store, and back to float32. Knows nothing of the models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SUFFIX = ".half"
SMALLEST = 512
"""Constants of fewer values stay as they are."""


def halve(model: onnx.ModelProto) -> None:
    """Store the float32 weights whose values float16 holds exactly as float16, cast back at run time.

    These are the weights of a half-precision checkpoint; computed tables stay as they are.
    """
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        exact = tensor.data_type == TensorProto.FLOAT and np.array_equal(values.astype(np.float16), values)
        if exact and values.size >= SMALLEST:
            kept.append(numpy_helper.from_array(values.astype(np.float16), tensor.name + SUFFIX))
            casts.append(
                helper.make_node("Cast", [tensor.name + SUFFIX], [tensor.name], to=TensorProto.FLOAT)
            )
        else:
            kept.append(tensor)
    _replace(model, kept, [*casts, *model.graph.node])


def widen(model: onnx.ModelProto) -> None:
    """Undo `halve`: plain float32 initialisers, as in the published files."""
    casts = {node.input[0]: node for node in model.graph.node if node.op_type == "Cast"}
    kept, undone = [], set()
    for tensor in model.graph.initializer:
        if tensor.name.endswith(SUFFIX):
            values = numpy_helper.to_array(tensor).astype(np.float32)
            kept.append(numpy_helper.from_array(values, casts[tensor.name].output[0]))
            undone.add(tensor.name)
        else:
            kept.append(tensor)
    nodes = [node for node in model.graph.node if node.op_type != "Cast" or node.input[0] not in undone]
    _replace(model, kept, nodes)


def widen_folder(source: Path, target: Path) -> None:
    """Write every file of `source` to `target`, the ONNX files with float32 weights."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.suffix == ".onnx":
            model = onnx.load(path)
            widen(model)
            onnx.save(model, target / path.name)
        else:
            (target / path.name).write_bytes(path.read_bytes())


def _replace(model: onnx.ModelProto, tensors: list[TensorProto], nodes: list[onnx.NodeProto]) -> None:
    copies = [TensorProto.FromString(tensor.SerializeToString()) for tensor in tensors]
    node_copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(copies)
    model.graph.node.extend(node_copies)
