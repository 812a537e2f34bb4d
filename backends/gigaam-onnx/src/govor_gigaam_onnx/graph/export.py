"""The content of an ONNX export: its constants, and the operations on them, in order of execution.

Goes by structure: generations of exports name the same thing differently. Knows nothing of any model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Floats = NDArray[np.float32]

MOVES = {"Transpose", "Slice", "Concat", "Unsqueeze", "Reshape"}
"""Operators that exporters apply to weights: torch's newer one reorders the gates of an LSTM in the graph."""


class NotUnderstood(ValueError):
    """The file's structure is not the expected one; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Product:
    """x @ weight + bias."""

    weight: Floats
    """(inputs, outputs)."""
    bias: Floats
    """(outputs,)."""


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation over the last axis."""

    scale: Floats
    bias: Floats
    epsilon: float


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution over time, or over time and frequency."""

    weight: Floats
    """(outputs, inputs of a group, *kernel)."""
    bias: Floats


Part = Product | Norm | Convolution


class Export:
    """One ONNX model, read for its numbers."""

    def __init__(self, model: onnx.ModelProto):
        self.inputs = [value.name for value in model.graph.input]
        self.nodes: list[NodeProto] = list(model.graph.node)
        self._tensors: dict[str, TensorProto] = {tensor.name: tensor for tensor in model.graph.initializer}
        self._sources: dict[str, NodeProto] = {name: node for node in self.nodes for name in node.output}
        self._readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self._readers[name].append(node)

    @classmethod
    def read(cls, path: Path) -> Export:
        """Read a file and the data beside it. Raises NotUnderstood if it is no ONNX model."""
        try:
            return cls(onnx.load(path))
        except Exception as error:  # protobuf's DecodeError, OSError, and onnx's own, without a common class
            raise NotUnderstood(f"{path.name} cannot be read: {error}") from error

    def readers(self, name: str) -> list[NodeProto]:
        """Return the nodes that use this value."""
        return self._readers[name]

    def constant(self, name: str) -> NDArray[np.generic] | None:
        """Return the value if it is stored, or made of stored ones by moving numbers; else None."""
        if name in self._tensors:
            return numpy_helper.to_array(self._tensors[name])
        node = self._sources.get(name)
        if node is None:
            return None
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            return numpy_helper.to_array(node.attribute[0].t)
        if node.op_type in {"Identity", "Cast"}:  # a cast only widens: half precision is stored, not computed
            return self.constant(node.input[0])
        inputs: dict[str, Any] = {each: self.constant(each) for each in node.input if node.op_type in MOVES}
        if not inputs or any(value is None for value in inputs.values()):
            return None
        moved: Any = ReferenceEvaluator(node).run(None, inputs)
        return np.asarray(moved[0])

    def constants(self, rank: int) -> Iterator[NDArray[np.generic]]:
        """Yield the stored constants with so many axes."""
        constant_nodes = [node for node in self.nodes if node.op_type == "Constant"]
        stored = [node.attribute[0].t for node in constant_nodes if node.attribute[0].name == "value"]
        for tensor in (*self._tensors.values(), *stored):
            if len(tensor.dims) == rank:
                yield numpy_helper.to_array(tensor)

    def parts(self) -> Iterator[Part]:
        """Yield all parts with weights, in order of execution. Raises NotUnderstood."""
        for node in self.nodes:
            if node.op_type in {"MatMul", "Gemm"}:
                product = self.product(node)
                if product is not None:
                    yield product
            elif node.op_type == "Conv":
                yield Convolution(self.floats(node, 1), self.floats(node, 2))
            elif node.op_type == "LayerNormalization":
                yield Norm(self.floats(node, 1), self.floats(node, 2), attribute(node, "epsilon", 1e-5))

    def product(self, node: NodeProto) -> Product | None:
        """Return the weights of a MatMul with the addition after it, or of a Gemm; None: two variables."""
        weight = self.constant(node.input[1])
        if weight is None:
            return None
        if node.op_type == "Gemm":
            weight = weight.T if attribute(node, "transB", 0) else weight
            return Product(_as_floats(weight), self.floats(node, 2))
        for reader in self.readers(node.output[0]):
            values = [self.constant(name) for name in reader.input] if reader.op_type == "Add" else []
            for value in values:
                if value is not None and value.shape == weight.shape[1:]:
                    return Product(_as_floats(weight), _as_floats(value))
        return Product(_as_floats(weight), np.zeros(weight.shape[1], np.float32))

    def floats(self, node: NodeProto, place: int) -> Floats:
        """Return a node's input, which must be a constant. Raises NotUnderstood."""
        value = self.constant(node.input[place]) if place < len(node.input) else None
        if value is None:
            raise NotUnderstood(f"{node.op_type} '{node.name}' computes its weights, or has none")
        return _as_floats(value)


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """Return a node's attribute; `default` if it has none of this name."""
    for candidate in node.attribute:
        if candidate.name == name:
            return helper.get_attribute_value(candidate)
    return default


def _as_floats(value: NDArray[np.generic]) -> Floats:
    if value.dtype not in (np.float32, np.float16):
        raise NotUnderstood(f"weights of type {value.dtype} where float32 is expected")
    return value.astype(np.float32, copy=False)
