"""The parts of a model as ONNX graphs, with the names and the layout of the public exports.

CTC is one graph, RNN-T three: encoder, decoder (the predictor) and joint. Batch and time axes are dynamic.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from govor_gigaam_torch.network.attention import Positions, relative_positions, rotary_positions
from govor_gigaam_torch.network.heads import CTCHead, Joiner, Predictor, RNNTHead
from govor_gigaam_torch.network.model import Encoder, GigaAM

OPSET = 17
"""The opset of the public exports, and the first that has LayerNormalization."""
LONGEST = 5000
"""Encoder frames in the public exports' table of rotary angles: 200 s. Longer audio fails."""
BATCH, TIME = 2, 200


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export."""

    name: str
    """encoder, decoder or joint; "" for the only part of a CTC model."""
    module: nn.Module
    example: tuple[Tensor, ...]
    """Inputs for tracing."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axes: Mapping[str, Mapping[int, str]]
    """Dynamic axes, by input or output."""


def parts_of(network: GigaAM, longest: int = LONGEST) -> Iterator[Part]:
    """Yield the parts to trace, for up to `longest` encoder frames. Weights are not copied."""
    encoder, head = TableEncoder(network.encoder, longest), network.head
    features = torch.zeros(BATCH, encoder.config.feat_in, TIME), torch.tensor([TIME, TIME // 2])
    if isinstance(head, CTCHead):
        inputs, outputs = ("features", "feature_lengths"), ("log_probs", "encoded_lengths")
        axes = {**_over_time(inputs, 2), **_over_time(outputs, 1)}
        yield Part("", CTCGraph(encoder, head), features, inputs, outputs, axes)
        return
    inputs, outputs = ("audio_signal", "length"), ("encoded", "encoded_len")
    axes = {**_over_time(inputs, 2), **_over_time(outputs, 2)}
    yield Part("encoder", EncoderGraph(encoder), features, inputs, outputs, axes)
    yield from _parts_of_head(head, encoder.config.d_model)


def trace(part: Part, path: Path) -> None:
    """Write the graph in float32; if it is over 2 GB, with its weights in files beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's warnings, on sizes that are indeed constant
        torch.onnx.export(
            part.module.eval(),
            part.example,
            str(path),  # with a Path, the exporter does not know the folder for weights over 2 GB
            input_names=part.inputs,
            output_names=part.outputs,
            dynamic_axes=part.axes,
            opset_version=OPSET,
            dynamo=False,  # the exporter of the public files: a MatMul per product, and no onnxscript
        )


class TableEncoder(Encoder):
    """Takes its rotary angles from one table, as upstream's: cosines, then sines. The graph contains it."""

    table: Tensor
    """(2 longest, 1, 1, d_model / heads); relative positions need none."""

    def __init__(self, encoder: Encoder, longest: int):
        config = encoder.config
        with torch.device("meta"):
            super().__init__(config)
        self.load_state_dict(encoder.state_dict(), assign=True)
        self._longest = longest
        if config.self_attention_model == "rotary":
            width = config.d_model // config.n_heads
            angles = rotary_positions(longest, width, config.pos_emb_max_len, torch.device("cpu"))
            self.register_buffer("table", torch.cat(angles)[:, None, None, :], persistent=False)

    def _positions(self, frames: int, device: torch.device) -> Positions:
        if self.config.self_attention_model == "rel_pos":
            return relative_positions(frames, self.config.d_model, device)
        return self.table[:frames, 0, 0], self.table[self._longest : self._longest + frames, 0, 0]


class CTCGraph(nn.Module):
    """Encoder and head in one."""

    def __init__(self, encoder: Encoder, head: CTCHead):
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        encoded, lengths = self.encoder(features, lengths)
        return self.head(encoded), lengths.int()


class EncoderGraph(nn.Module):
    def __init__(self, encoder: Encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        encoded, lengths = self.encoder(features, lengths)
        return encoded, lengths.int()


class PredictorGraph(nn.Module):
    def __init__(self, predictor: Predictor):
        super().__init__()
        self.predictor = predictor

    def forward(self, tokens: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        predicted, (hidden, cell) = self.predictor(tokens, (hidden, cell))
        return predicted, hidden, cell


class JoinerGraph(nn.Module):
    def __init__(self, joiner: Joiner):
        super().__init__()
        self.joiner = joiner

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        """Return log-probabilities (B, T', U, classes) of (B, d_model, T') and (B, pred_hidden, U)."""
        by_frame = self.joiner.enc(encoded.transpose(1, 2)).unsqueeze(2)
        by_token = self.joiner.pred(predicted.transpose(1, 2)).unsqueeze(1)
        log_probs: Tensor = self.joiner(by_frame, by_token).log_softmax(dim=-1)
        return log_probs


def _parts_of_head(head: RNNTHead, width: int) -> Iterator[Part]:
    lstm = head.decoder.lstm
    state = torch.zeros(lstm.num_layers, BATCH, lstm.hidden_size)
    by_batch = {name: {0: "batch_size"} for name in ("x", "dec", "enc", "joint")}
    states = {name: {1: "batch_size"} for name in ("h.1", "c.1", "h", "c")}
    example = torch.zeros(BATCH, 1, dtype=torch.int64), state, state
    inputs, outputs = ("x", "h.1", "c.1"), ("dec", "h", "c")
    axes = {name: axes for name, axes in (by_batch | states).items() if name in inputs + outputs}
    yield Part("decoder", PredictorGraph(head.decoder), example, inputs, outputs, axes)
    frame, prediction = torch.zeros(BATCH, width, 1), torch.zeros(BATCH, lstm.hidden_size, 1)
    axes = {name: by_batch[name] for name in ("enc", "dec", "joint")}
    yield Part("joint", JoinerGraph(head.joint), (frame, prediction), ("enc", "dec"), ("joint",), axes)


def _over_time(names: tuple[str, str], axis: int) -> dict[str, dict[int, str]]:
    """Return the dynamic axes of values and of their lengths."""
    values, lengths = names
    return {values: {0: "batch_size", axis: "frames"}, lengths: {0: "batch_size"}}
