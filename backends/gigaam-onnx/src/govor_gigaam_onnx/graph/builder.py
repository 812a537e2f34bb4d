"""Writes an ONNX graph node by node, with products in float32 or in int8. Knows nothing of any model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from govor_gigaam_onnx.graph.export import Convolution, Floats, Norm, Product

CONTRIB = "com.microsoft"
LARGEST = 127  # of a symmetric int8 weight

Name = str
"""Name of a value in the graph."""


class GraphBuilder:
    """A graph under construction. Each method adds nodes and returns the name of their result."""

    def __init__(self, *, int8: bool):
        """With `int8`, products are computed in int8: weights scaled per column, the other side per call."""
        self._int8 = int8
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._quantised: dict[Name, list[Name]] = {}

    def constant(self, value: ArrayLike) -> Name:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def integers(self, *values: int) -> Name:
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: Name, domain: str = "", **attributes: Any) -> Name:
        """Add one node with one result."""
        return self._node(operator, inputs, 1, domain, attributes)[0]

    def contrib(self, operator: str, *inputs: Name, **attributes: Any) -> Name:
        """Add one of onnxruntime's own operators."""
        return self.add(operator, *inputs, domain=CONTRIB, **attributes)

    def product(
        self,
        values: Name,
        product: Product,
        *,
        exact: bool = False,
        arrange: Callable[[Name], Name] = lambda values: values,
    ) -> Name:
        """Multiply the last axis; with `exact`, in float32 even in an int8 graph.

        `arrange` moves values into place before the product; it moves a quarter of the bytes if they are
        int8.
        """
        if exact or not self._int8:
            multiplied = self.add("MatMul", arrange(values), self.constant(product.weight))
            return self.add("Add", multiplied, self.constant(product.bias))
        weight, scale = quantise_columns(product.weight)
        # Quantised once per value, however many products read it.
        if values not in self._quantised:
            self._quantised[values] = self._node("DynamicQuantizeLinear", (values,), 3, "", {})
        quantised, its_scale, its_zero = self._quantised[values]
        return self.contrib(
            "MatMulIntegerToFloat",
            arrange(quantised),
            self.constant(weight),
            its_scale,
            self.constant(scale),
            its_zero,
            "",
            self.constant(product.bias),
        )

    def norm(self, values: Name, norm: Norm) -> Name:
        scale, bias = self.constant(norm.scale), self.constant(norm.bias)
        return self.add("LayerNormalization", values, scale, bias, axis=-1, epsilon=norm.epsilon)

    def standardise(self, values: Name, channels: int, epsilon: float) -> Name:
        """Bring each frame of (1, frames, channels) to mean 0 and variance 1.

        InstanceNormalization, with a frame for an instance, takes two thirds of LayerNormalization's time.
        """
        frames = self.add("Reshape", values, self.integers(-1, 1, channels))
        one, zero = self.constant(np.ones(1, np.float32)), self.constant(np.zeros(1, np.float32))
        normed = self.add("InstanceNormalization", frames, one, zero, epsilon=epsilon)
        return self.add("Reshape", normed, self.integers(1, -1, channels))

    def silu(self, values: Name) -> Name:
        return self.contrib("QuickGelu", values, alpha=1.0)  # x * sigmoid(alpha * x)

    def depthwise(self, values: Name, convolution: Convolution) -> Name:
        """Convolve each channel of (1, frames, channels) by itself, padded to equal length."""
        channels, _, width = convolution.weight.shape
        # As an image of one row: onnxruntime then runs its blocked kernel and swallows the transpositions.
        image = self.add("Transpose", self.add("Unsqueeze", values, self.integers(1)), perm=[0, 3, 1, 2])
        convolved = self.add(
            "Conv",
            image,
            self.constant(convolution.weight[:, :, None]),
            self.constant(convolution.bias),
            group=channels,
            kernel_shape=[1, width],
            pads=[0, width // 2, 0, width // 2],
        )
        return self.add("Squeeze", self.add("Transpose", convolved, perm=[0, 2, 3, 1]), self.integers(1))

    def model(self, source: tuple[Name, list[int | str]], result: tuple[Name, Name]) -> onnx.ModelProto:
        """Return the graph as a model: `source` is its input and shape, `result` (output name, value)."""
        self._nodes.append(helper.make_node("Identity", [result[1]], [result[0]]))
        graph = helper.make_graph(
            self._nodes,
            "govor",
            [helper.make_tensor_value_info(source[0], TensorProto.FLOAT, source[1])],
            [helper.make_tensor_value_info(result[0], TensorProto.FLOAT, [1, None, None])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="govor")

    def _node(
        self, operator: str, inputs: tuple[Name, ...], outputs: int, domain: str, attributes: dict[str, Any]
    ) -> list[Name]:
        names = [f"{operator}_{len(self._nodes)}_{place}" for place in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names


def quantise_columns(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return (inputs, outputs) symmetric int8 and the (outputs,) scales that restore them."""
    scale = np.maximum(np.abs(weight).max(axis=0), np.finfo(np.float32).tiny) / LARGEST
    quantised: NDArray[np.int8] = np.rint(weight / scale).astype(np.int8)
    return quantised, scale.astype(np.float32)
