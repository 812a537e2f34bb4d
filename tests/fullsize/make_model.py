"""Writes GigaAM v3 at full size with random weights: CTC and e2e RNN-T, in the layout of the public exports.

Same layers, same files, same operators, so that speed and memory are those of the published weights; what
they write means nothing. The blank's bias is set so that tokens come as often as in speech. Never committed:

    python tests/fullsize/make_model.py FOLDER     # 2.2 GB in FOLDER/v3_ctc and FOLDER/v3_e2e_rnnt; a minute

Needs torch (2.13 was used) and the plugins gigaam-torch and gigaam-onnx.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from talk import make_talk
from torch import Tensor, nn

from govor_gigaam_onnx.decoding.greedy import decode_ctc, decode_transducer
from govor_gigaam_onnx.decoding.transducer import NumpyTransducer, read_transducer
from govor_gigaam_onnx.features import V3 as V3_FRAMING
from govor_gigaam_onnx.features import LogMel
from govor_gigaam_onnx.graph.export import Export
from govor_gigaam_torch.export.graphs import parts_of, trace
from govor_gigaam_torch.network.attention import Attention
from govor_gigaam_torch.network.model import V3, GigaAM, HeadConfig

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
PIECES = 1024
CTC_RATE, E2E_RATE = 12.2, 4.4  # tokens per second of speech, as trained models emit them
TALK_SECONDS, SEGMENT_SECONDS = 56.0, 8.0
CHANGE = 2.0  # of a layer's output from one input to the next, as standard deviation
MAX_SYMBOLS = 10
SEED = 3


def attend(self: Attention, q: Tensor, k: Tensor, v: Tensor, present: Tensor) -> Tensor:
    """Attention in the operators that upstream exports; torch's own would export as slower ones."""
    scores = q @ (k.transpose(-2, -1) / math.sqrt(q.shape[-1]))
    weights = scores.masked_fill(~present, -10000.0).softmax(dim=-1).masked_fill(~present, 0.0)
    out: Tensor = self.linear_out((weights @ v).transpose(1, 2).flatten(2))
    return out


def quantise(path: Path) -> None:
    """Write the int8 file beside a float32 one like published ones: all possible operators quantised."""
    quantize_dynamic(path, path.with_suffix(".int8.onnx"), weight_type=QuantType.QUInt8)


def write_vocabulary(path: Path, tokens: Sequence[str]) -> None:
    lines = [f"{token} {index}\n" for index, token in enumerate((*tokens, "<blk>"))]
    path.write_text("".join(lines), encoding="utf-8")


def write_config(folder: Path) -> None:
    config = {
        "model_type": "gigaam",
        "version": "v3",
        "features_size": 64,
        "subsampling_factor": 4,
        "max_tokens_per_step": MAX_SYMBOLS,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def settle(tokens_at: Callable[[float], int], wanted: float) -> float:
    """Return the blank's bias that gives the wanted number of tokens, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if tokens_at(middle) > wanted else (low, middle)
    return high


@torch.inference_mode()
def draw(head: HeadConfig) -> GigaAM:
    """Return a model with random weights whose output follows the audio, whatever segment contains it."""
    torch.manual_seed(SEED)
    model = GigaAM(V3, head).eval()
    for layer in model.encoder.layers:
        layer.self_attn.linear_out.weight *= 0.1
    return model


@torch.inference_mode()
def encode_talk(model: GigaAM) -> np.ndarray:
    """Return the encoder's output (frames, channels) for segments of talk, end to end."""
    segments = np.split(make_talk(TALK_SECONDS), round(TALK_SECONDS / SEGMENT_SECONDS))
    features = torch.tensor(np.stack([LogMel(V3_FRAMING)(segment) for segment in segments]))
    encoded, _ = model(features, torch.full([len(features)], features.shape[2]))
    return encoded.transpose(1, 2).flatten(0, 1).numpy()


@torch.inference_mode()
def make_ctc(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = draw(HeadConfig("ctc", len(LETTERS) + 2))
    encoded = encode_talk(model)
    head = model.head.decoder_layers[0]
    enliven(head, encoded)
    scores = encoded @ head.weight[:, :, 0].T.numpy() + head.bias.numpy()
    blank = np.eye(scores.shape[1], dtype=np.float32)[-1]
    bias = settle(lambda bias: len(decode_ctc(scores + bias * blank).tokens), CTC_RATE * TALK_SECONDS)
    head.bias[-1] += bias
    path = folder / "v3_ctc.onnx"
    (part,) = parts_of(model)
    trace(part, path)
    quantise(path)
    write_vocabulary(folder / "v3_vocab.txt", ["▁", *LETTERS])
    write_config(folder)


@torch.inference_mode()
def make_rnnt(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = draw(HeadConfig("rnnt", PIECES + 1))
    encoded = encode_talk(model)
    enliven(model.head.joint.enc, encoded)
    for weight in model.head.decoder.lstm.parameters():
        weight *= 10  # otherwise it soon forgets all but the last token, and repeats that for ever
    predicted, _ = model.head.decoder(torch.randint(PIECES, (1, 1000)))
    enliven(model.head.joint.pred, predicted[0].numpy())
    paths = {part.name: folder / f"v3_e2e_rnnt_{part.name}.onnx" for part in parts_of(model)}
    for part in parts_of(model):
        trace(part, paths[part.name])
    set_blank(paths["decoder"], paths["joint"], encoded, E2E_RATE * TALK_SECONDS)
    for path in paths.values():
        quantise(path)
    write_vocabulary(folder / "v3_e2e_rnnt_vocab.txt", made_up_pieces())
    write_config(folder)


def enliven(layer: nn.Module, inputs: np.ndarray) -> None:
    """Make a layer react to changes of its input: without training its outputs are much alike."""
    weight = layer.weight.view(len(layer.weight), -1)
    weight *= CHANGE / (torch.tensor(inputs) @ weight.T).std(dim=0).mean()
    layer.bias -= weight @ torch.tensor(inputs.mean(axis=0))


def set_blank(decoder: Path, joint: Path, encoded: np.ndarray, wanted: float) -> None:
    """Set the blank's bias in the file of the joiner: the last number of its last bias."""
    weights = read_transducer(Export.read(decoder), Export.read(joint))
    output = weights.output
    blank = np.eye(len(output.bias), dtype=np.float32)[-1]

    def tokens_at(bias: float) -> int:
        shifted = replace(weights, output=replace(output, bias=output.bias + np.float32(bias) * blank))
        return len(decode_transducer(encoded, NumpyTransducer(shifted), MAX_SYMBOLS).tokens)

    bias = settle(tokens_at, wanted)
    model = onnx.load(joint)
    (tensor,) = (each for each in model.graph.initializer if list(each.dims) == [len(blank)])
    tensor.CopyFrom(onnx.numpy_helper.from_array(output.bias + np.float32(bias) * blank, tensor.name))
    onnx.save(model, joint)


def made_up_pieces() -> list[str]:
    """Return as many tokens as SentencePiece had: every second one begins a word."""
    syllables = [first + second for first in LETTERS for second in LETTERS]
    return ["<unk>", *(f"▁{each}" if place % 2 else each for place, each in enumerate(syllables))][:PIECES]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    Attention.attend = attend
    make_ctc(folder / "v3_ctc")
    make_rnnt(folder / "v3_e2e_rnnt")


if __name__ == "__main__":
    main()
