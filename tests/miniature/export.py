"""Write the checkpoints in models/ as ONNX beside them, in the layout of the public exports of v3.

Weights are stored in half precision (halves.py), so that the files are small; onnxruntime runs them as they
are. The table of rotary angles is TABLE_FRAMES long, that of the public files 5000.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from govor_gigaam_torch.attention import rotary_positions
from govor_gigaam_torch.model import Encoder, GigaAM
from miniature.checkpoints import HEADS, load
from miniature.halves import halve
from miniature.tokens import CHARSET, Letters, Tokens

MODELS = Path(__file__).with_name("models")
OPSET = 17
TABLE_FRAMES = 750
"""30 s: more than GigaAM is ever given at once."""
BLANK = "<blk>"
CONFIG = {"version": "v3", "features_size": 64, "subsampling_factor": 4, "max_tokens_per_step": 10}


class TableEncoder(Encoder):
    """Takes its rotary angles from one table, as upstream: cosines, then sines. An export holds it."""

    def __init__(self, encoder: Encoder):
        super().__init__(encoder.config)
        config = encoder.config
        angles = rotary_positions(
            TABLE_FRAMES, config.d_model // config.n_heads, config.pos_emb_max_len, torch.device("cpu")
        )
        self.register_buffer("table", torch.cat(angles)[:, None, None, :], persistent=False)
        self.load_state_dict(encoder.state_dict())

    def _positions(self, frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
        table: Tensor = self.table
        return table[:frames, 0, 0], table[TABLE_FRAMES : TABLE_FRAMES + frames, 0, 0]


class CTC(nn.Module):
    def __init__(self, model: GigaAM):
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        encoded, lengths = self.model.encoder(features, lengths)
        return self.model.head(encoded), lengths.int()


class RNNTEncoder(nn.Module):
    def __init__(self, model: GigaAM):
        super().__init__()
        self.encoder = model.encoder

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        encoded, lengths = self.encoder(features, lengths)
        return encoded, lengths.int()


class Predictor(nn.Module):
    def __init__(self, model: GigaAM):
        super().__init__()
        self.predictor = model.head.decoder

    def forward(self, tokens: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        predicted, (hidden, cell) = self.predictor(tokens, (hidden, cell))
        return predicted, hidden, cell


class Joiner(nn.Module):
    def __init__(self, model: GigaAM):
        super().__init__()
        self.joiner = model.head.joint

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        by_frame = self.joiner.enc(encoded.transpose(1, 2)).unsqueeze(2)
        by_token = self.joiner.pred(predicted.transpose(1, 2)).unsqueeze(1)
        return self.joiner(by_frame, by_token).log_softmax(-1)


def main() -> None:
    for head in HEADS:
        name = f"v3_{head}"
        folder = MODELS / name
        model, tokens = load(folder / f"{name}.ckpt")
        model.encoder = TableEncoder(model.encoder)
        if head == "rnnt":
            export_rnnt(model, folder / name)
        else:
            names = ("features", "feature_lengths"), ("log_probs", "encoded_lengths")
            export_encoder(CTC(model), folder / name, *names)
        vocabulary = "v3_e2e_ctc_vocab.txt" if head == "e2e_ctc" else "v3_vocab.txt"
        (folder / vocabulary).write_text(list_tokens(tokens), encoding="utf-8")
        (folder / "config.json").write_text(json.dumps(CONFIG) + "\n", encoding="utf-8")


def export_encoder(module: nn.Module, stem: Path, inputs: tuple[str, str], outputs: tuple[str, str]) -> None:
    example = torch.zeros(1, 64, 200), torch.tensor([200])
    time = 2 if outputs[0] == "encoded" else 1
    axes = {
        inputs[0]: {0: "batch_size", 2: "seq_len"},
        inputs[1]: {0: "batch_size"},
        outputs[0]: {0: "batch_size", time: "frames"},
        outputs[1]: {0: "batch_size"},
    }
    write(module, stem, example, inputs, outputs, axes)


def export_rnnt(model: GigaAM, stem: Path) -> None:
    names = ("audio_signal", "length"), ("encoded", "encoded_len")
    export_encoder(RNNTEncoder(model), part(stem, "encoder"), *names)
    hidden = model.head.decoder.lstm.hidden_size
    state = torch.zeros(1, 1, hidden)
    write(
        Predictor(model),
        part(stem, "decoder"),
        (torch.zeros(1, 1, dtype=torch.int64), state, state),
        ("x", "h.1", "c.1"),
        ("dec", "h", "c"),
        {},
    )
    frames = torch.zeros(1, model.encoder.config.d_model, 1), torch.zeros(1, hidden, 1)
    write(Joiner(model), part(stem, "joint"), frames, ("enc", "dec"), ("joint",), {})


def write(
    module: nn.Module,
    stem: Path,
    example: tuple[Tensor, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    axes: dict[str, dict[int, str]],
) -> None:
    path = stem.with_name(stem.name + ".onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    halve(model)
    shorten(model.graph)
    onnx.save(model, path)


def shorten(graph: onnx.GraphProto) -> None:
    """Number what the nodes give instead of naming it: a tenth of the file is names."""
    results = {value.name for value in graph.output}
    weights = {name for node in graph.node if node.op_type == "Cast" for name in node.output}
    short: dict[str, str] = {}
    for node in graph.node:
        node.ClearField("doc_string")
        node.ClearField("name")
        for name in node.output:
            short[name] = name if name in results | weights else str(len(short))
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short[name] for name in node.output]


def part(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}_{name}")


def list_tokens(tokens: Tokens) -> str:
    """Return lines `token id` with ▁ for a space, the blank last."""
    if isinstance(tokens, Letters):
        names = ["▁" if letter == " " else letter for letter in CHARSET]
    else:
        names = [tokens.model.id_to_piece(index) for index in range(tokens.blank)]
    return "".join(f"{name} {index}\n" for index, name in enumerate([*names, BLANK]))


if __name__ == "__main__":
    main()
