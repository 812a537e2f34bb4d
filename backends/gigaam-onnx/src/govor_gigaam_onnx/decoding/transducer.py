"""Predictor and joiner of an RNN-T in numpy, with the weights of their ONNX files.

A step takes a quarter of its time in two onnxruntime sessions. The weights are found by structure, because
generations of exports differ in names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from govor_gigaam_onnx.graph.export import Export, Floats, NotUnderstood, Product

HALVED = 3  # of the four gates, in ONNX's order: input, output, forget; then the cell


@dataclass(frozen=True, slots=True)
class TransducerWeights:
    """One LSTM layer and one hidden layer of the joiner."""

    gates: Floats
    """(classes, 4 units): the token's share of the gates' inputs, biases included."""
    recurrent: Floats
    """(units, 4 units): the state's share of them."""
    prediction: Product
    """(units, hidden)."""
    encoder: Product
    """(channels, hidden)."""
    output: Product
    """(hidden, classes), after a ReLU."""


class NumpyTransducer:
    """Implements `decoding.greedy.Transducer`. Holds no state; safe for threads."""

    def __init__(self, weights: TransducerWeights):
        self.blank = len(weights.output.bias) - 1
        self._units = units = weights.recurrent.shape[0]
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: with halved inputs one tanh serves all four gates.
        scale = np.repeat(np.array([0.5] * HALVED + [1], np.float32), units)
        self._gates = weights.gates * scale
        self._recurrent = weights.recurrent * scale
        self._prediction = weights.prediction
        # Both halves' biases are added here, once per frame.
        self._encoder = Product(weights.encoder.weight, weights.encoder.bias + weights.prediction.bias)
        self._output = weights.output

    def listen(self, encoded: Floats) -> Iterable[Floats]:
        """Compute the encoder's half of the joiner, as one product for all frames."""
        return encoded @ self._encoder.weight + self._encoder.bias

    def predict(
        self, token: int, state: tuple[Floats, Floats] | None
    ) -> tuple[Floats, tuple[Floats, Floats]]:
        units = self._units
        given = self._gates[token]
        gates: Floats = np.tanh(given if state is None else given + state[0] @ self._recurrent)
        opened = gates[: HALVED * units] * np.float32(0.5) + np.float32(0.5)
        cell = opened[:units] * gates[HALVED * units :]
        if state is not None:
            cell += opened[2 * units :] * state[1]
        hidden = opened[units : 2 * units] * np.tanh(cell)
        return hidden @ self._prediction.weight, (hidden, cell)

    def join(self, frame: Floats, prediction: Floats) -> Floats:
        hidden: Floats = frame + prediction
        np.maximum(hidden, 0, out=hidden)
        scores: Floats = hidden @ self._output.weight
        scores += self._output.bias
        return scores


def read_transducer(decoder: Export, joint: Export) -> TransducerWeights:
    """Return the weights of the two files. Raises NotUnderstood if their structure is another."""
    lstms = [node for node in decoder.nodes if node.op_type == "LSTM"]
    tables = [
        node for node in decoder.nodes if node.op_type == "Gather" and _rank(decoder, node.input[0]) == 2
    ]
    activations = [node for node in joint.nodes if node.op_type == "Relu"]
    if not len(lstms) == len(tables) == len(activations) == 1:
        raise NotUnderstood("not one embedding, one LSTM and one ReLU")
    of_inputs, of_state, biases = (decoder.floats(lstms[0], place) for place in (1, 2, 3))
    if of_state.shape != (1, 4 * of_state.shape[2], of_state.shape[2]) or biases.shape != (
        1,
        2 * of_state.shape[1],
    ):
        raise NotUnderstood("not one LSTM in one direction")
    embedding = decoder.floats(tables[0], 0)
    return TransducerWeights(
        gates=embedding @ of_inputs[0].T + biases[0].reshape(2, -1).sum(axis=0),
        recurrent=np.ascontiguousarray(of_state[0].T),
        encoder=_first_product(joint, joint.inputs[0]),
        prediction=_first_product(joint, joint.inputs[1]),
        output=_first_product(joint, activations[0].output[0]),
    )


def _first_product(export: Export, name: str) -> Product:
    """Return the first product of a value, through additions and changes of shape."""
    waiting, seen = [name], {name}
    while waiting:
        for node in export.readers(waiting.pop(0)):
            product = export.product(node) if node.op_type in {"MatMul", "Gemm"} else None
            if product is not None:
                return product
            waiting += [output for output in node.output if output not in seen]
            seen.update(node.output)
    raise NotUnderstood(f"nothing multiplies '{name}' by weights")


def _rank(export: Export, name: str) -> int:
    value = export.constant(name)
    return -1 if value is None else value.ndim
