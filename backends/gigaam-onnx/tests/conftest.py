"""Small random models in the form of upstream's exports: the same operators, in other sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
WIDTH, HEADS, HIDDEN, LAYERS, KERNEL = 16, 2, 32, 2, 5
UNITS, JOINT, LONGEST = 12, 10, 600  # of the LSTM, of the joiner; frames of the rotary table


class Sketch:
    """An ONNX graph made by hand. Weights are random, so that outputs vary."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants = [], []

    def draw(self, *shape: int, scale: float = 2) -> str:
        """Draw random weights; those of a convolution sum to zero, so that changes count, not loudness."""
        values = self.random.standard_normal(shape)
        if len(shape) > 2 and shape[1] > 1:
            values -= values.mean(axis=tuple(range(1, len(shape))), keepdims=True)
        fan = np.prod(shape[1:]) if len(shape) > 2 else shape[0]
        return self.hold((scale * values / np.sqrt(fan)).astype(np.float32))

    def hold(self, value) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(self, operator: str, *inputs: str, outputs: int = 1, **attributes) -> str:
        names = [f"{operator}{len(self.nodes)}.{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x: str, inputs: int, outputs: int, bias: str = "", scale: float = 2) -> str:
        weight = self.draw(inputs, outputs, scale=scale)
        return self.op("Add", bias or self.draw(outputs), self.op("MatMul", x, weight))

    def conv(self, x: str, inputs: int, outputs: int, width: int, group: int = 1, stride: int = 1) -> str:
        weights = self.draw(outputs, inputs // group, width), self.draw(outputs)
        return self.op("Conv", x, *weights, group=group, strides=[stride], pads=[width // 2] * 2)

    def norm(self, x: str) -> str:
        scale = self.hold((1 + self.random.standard_normal(WIDTH) / 4).astype(np.float32))
        return self.op("LayerNormalization", x, scale, self.draw(WIDTH), axis=-1, epsilon=1e-5)

    def silu(self, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def turn(self, x: str, *order: int) -> str:
        return self.op("Transpose", x, perm=list(order))

    def shape(self, x: str, *sizes: int) -> str:
        return self.op("Reshape", x, self.hold(np.array(sizes)))

    def number(self, value: float) -> str:
        return self.hold(np.float32(value))

    def widen(self, x: str, axis: int) -> str:
        return self.op("Unsqueeze", x, self.hold(np.array([axis])))

    def save(self, path: Path, inputs: dict, outputs: dict) -> None:
        """Take inputs as name -> (element type, shape), outputs as name -> (value, element type, shape)."""
        for name, (value, *_) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [name]))
        graph = helper.make_graph(
            self.nodes,
            "main_graph",
            [helper.make_tensor_value_info(name, *description) for name, description in inputs.items()],
            [helper.make_tensor_value_info(name, *described[1:]) for name, described in outputs.items()],
            self.constants,
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class EncoderSketch(Sketch):
    """The Conformer of v3 or v2, masked as in exports made with a batch of several recordings."""

    def __init__(self, seed: int, version: str = "v3"):
        super().__init__(seed)
        self.version = version

    def encode(self, features: str, lengths: str) -> tuple[str, str]:
        """Return (batch, frames, channels) and the lengths after subsampling."""
        x = self.subsample(features) if self.version == "v3" else self.subsample_bands(features)
        lengths = self.op("Cast", lengths, to=TensorProto.FLOAT)
        for _ in range(2):
            halves = self.op("Div", self.op("Sub", lengths, self.number(1)), self.number(2))
            lengths = self.op("Floor", self.op("Add", halves, self.number(1)))
        lengths = self.op("Cast", lengths, to=TensorProto.INT32)
        frames = self.op("Squeeze", self.op("Shape", x, start=1, end=2))
        places = self.op("Range", self.hold(np.int64(0)), frames, self.hold(np.int64(1)))
        present = self.op("Less", places, self.widen(self.op("Cast", lengths, to=TensorProto.INT64), 1))
        rows, columns = self.widen(present, 1), self.widen(present, 2)
        absent_pairs = self.widen(self.op("Not", self.op("And", rows, columns)), 1)
        rotation = self.rotation(self.op("Shape", x, start=1, end=2))
        for _ in range(LAYERS):
            x = self.attend(self.feed_forward(x), rotation, absent_pairs)
            x = self.convolve(x, self.op("Not", rows))
            x = self.norm(self.feed_forward(x))
        return x, lengths

    def subsample(self, x: str) -> str:
        for channels in (64, WIDTH):
            x = self.op("Relu", self.conv(x, channels, WIDTH, 5, stride=2))
        return self.turn(x, 0, 2, 1)

    def subsample_bands(self, features: str) -> str:
        x = self.widen(self.turn(features, 0, 2, 1), 1)
        for channels in (1, WIDTH):
            weights = self.draw(WIDTH, channels, 3, 3), self.draw(WIDTH)
            x = self.op("Relu", self.op("Conv", x, *weights, strides=[2, 2], pads=[1] * 4))
        return self.linear(self.shape(self.turn(x, 0, 2, 1, 3), 0, 0, -1), 16 * WIDTH, WIDTH)

    def rotation(self, frames: str) -> tuple[str, str]:
        channels = WIDTH // HEADS
        speeds = 1 / 5000 ** (np.arange(0, channels, 2) / channels)
        angles = np.tile(np.outer(np.arange(LONGEST), speeds), 2)[:, None, None]
        table = self.hold(np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32))
        start, middle = self.hold(np.array([0])), self.hold(np.array([LONGEST]))
        end = self.op("Add", middle, frames)
        return self.op("Slice", table, start, frames, start), self.op("Slice", table, middle, end, start)

    def feed_forward(self, x: str) -> str:
        hidden = self.silu(self.linear(self.norm(x), WIDTH, HIDDEN))
        return self.op("Add", x, self.op("Mul", self.linear(hidden, HIDDEN, WIDTH), self.number(0.5)))

    def attend(self, x: str, rotation: tuple[str, str], absent: str) -> str:
        channels = WIDTH // HEADS
        normed = self.norm(x)
        heads = self.shape(self.turn(normed, 1, 0, 2), 0, 0, HEADS, channels)
        first, second = self.op("Split", heads, outputs=2, axis=-1)
        crossed = self.op("Concat", self.op("Neg", second), first, axis=-1)
        turned = self.op("Add", self.op("Mul", heads, rotation[0]), self.op("Mul", crossed, rotation[1]))
        turned = self.turn(self.shape(turned, 0, 0, WIDTH), 1, 0, 2)
        query, key, value = (
            self.turn(self.shape(self.linear(source, WIDTH, WIDTH), 0, -1, HEADS, channels), 0, 2, 1, 3)
            for source in (turned, turned, normed)
        )
        key = self.op("Div", self.turn(key, 0, 1, 3, 2), self.number(np.sqrt(channels)))
        scores = self.op("Where", absent, self.number(-10000), self.op("MatMul", query, key))
        weights = self.op("Where", absent, self.number(0), self.op("Softmax", scores, axis=-1))
        mixed = self.shape(self.turn(self.op("MatMul", weights, value), 0, 2, 1, 3), 0, -1, WIDTH)
        return self.op("Add", x, self.linear(mixed, WIDTH, WIDTH))

    def convolve(self, x: str, absent: str) -> str:
        both = self.conv(self.turn(self.norm(x), 0, 2, 1), WIDTH, 2 * WIDTH, 1)
        kept, gate = self.op("Split", both, outputs=2, axis=1)
        gated = self.op("Mul", kept, self.op("Sigmoid", gate))
        gated = self.op("Where", absent, self.number(0), gated)
        mixed = self.conv(gated, WIDTH, WIDTH, KERNEL, group=WIDTH)
        if self.version == "v3":  # in v2 the norm is a part of the convolution
            mixed = self.turn(self.norm(self.turn(mixed, 0, 2, 1)), 0, 2, 1)
        return self.op("Add", x, self.turn(self.conv(self.silu(mixed), WIDTH, WIDTH, 1), 0, 2, 1))


FEATURES = (TensorProto.FLOAT, ["batch", 64, "frames"])
LENGTHS = (TensorProto.INT64, ["batch"])


def write_ctc(path: Path, classes: int, version: str) -> None:
    sketch = EncoderSketch(0, version)
    encoded, lengths = sketch.encode("features", "feature_lengths")
    scores = sketch.turn(sketch.conv(sketch.turn(encoded, 0, 2, 1), WIDTH, classes, 1), 0, 2, 1)
    scores = sketch.op("LogSoftmax", scores, axis=-1)
    outputs = {"log_probs": (scores, TensorProto.FLOAT, ["batch", "out", classes])}
    outputs["encoded_lengths"] = (lengths, TensorProto.INT32, ["batch"])
    sketch.save(path, {"features": FEATURES, "feature_lengths": LENGTHS}, outputs)


def write_rnnt(folder: Path, prefix: str, classes: int, states: tuple[str, str], seed: int, blank: float):
    sketch = EncoderSketch(1)
    encoded, lengths = sketch.encode("audio_signal", "length")
    outputs = {"encoded": (sketch.turn(encoded, 0, 2, 1), TensorProto.FLOAT, ["batch", WIDTH, "out"])}
    outputs["encoded_len"] = (lengths, TensorProto.INT32, ["batch"])
    sketch.save(folder / f"{prefix}_encoder.onnx", {"audio_signal": FEATURES, "length": LENGTHS}, outputs)
    write_decoder(folder / f"{prefix}_decoder.onnx", classes, *states)
    write_joint(folder / f"{prefix}_joint.onnx", classes, seed, blank)


def write_decoder(path: Path, classes: int, hidden: str, cell: str) -> None:
    sketch = Sketch(2)
    embedding = sketch.random.standard_normal((classes, UNITS)).astype(np.float32)
    embedding[-1] = 0
    token = sketch.turn(sketch.op("Gather", sketch.hold(embedding), "x"), 1, 0, 2)
    shapes = (1, 4 * UNITS, UNITS), (1, 4 * UNITS, UNITS), (1, 8 * UNITS)
    weights = [sketch.hold(sketch.random.standard_normal(shape).astype(np.float32)) for shape in shapes]
    found = sketch.op("LSTM", token, *weights, "", hidden, cell, outputs=3, hidden_size=UNITS)
    predicted = sketch.turn(sketch.op("Squeeze", found[0], sketch.hold(np.array([1]))), 1, 0, 2)
    state = (TensorProto.FLOAT, [1, "batch", UNITS])
    outputs = {"dec": (predicted, TensorProto.FLOAT, ["batch", 1, UNITS])}
    outputs |= {"h": (found[1], *state), "c": (found[2], *state)}
    sketch.save(path, {"x": (TensorProto.INT64, ["batch", 1]), hidden: state, cell: state}, outputs)


def write_joint(path: Path, classes: int, seed: int, blank: float) -> None:
    sketch = Sketch(seed)
    frame = sketch.widen(sketch.linear(sketch.turn("enc", 0, 2, 1), WIDTH, JOINT, scale=12), 2)
    token = sketch.widen(sketch.linear(sketch.turn("dec", 0, 2, 1), UNITS, JOINT, scale=12), 1)
    bias = np.zeros(classes, np.float32)
    bias[-1] = blank  # so much that most frames are silent, as in speech
    hidden = sketch.op("Relu", sketch.op("Add", frame, token))
    scores = sketch.op("LogSoftmax", sketch.linear(hidden, JOINT, classes, sketch.hold(bias)), axis=-1)
    sizes = {"enc": WIDTH, "dec": UNITS}
    inputs = {name: (TensorProto.FLOAT, ["batch", size, 1]) for name, size in sizes.items()}
    sketch.save(path, inputs, {"joint": (scores, TensorProto.FLOAT, ["batch", 1, 1, classes])})


PIECES = ["<unk>", *(f"▁{letter}" for letter in LETTERS), *LETTERS, *"АБВ", ".", ","]


@pytest.fixture(scope="session")
def make_model():
    """Write a small model of a kind, "ctc", "rnnt", "e2e_rnnt" or "v2_ctc"; return its folder."""

    def make(kind: str, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        tokens = PIECES if kind == "e2e_rnnt" else ["▁", *LETTERS]
        classes = len(tokens) + 1
        if kind == "ctc":
            write_ctc(folder / "v3_ctc.onnx", classes, "v3")
        elif kind == "v2_ctc":
            write_ctc(folder / "v2_ctc.onnx", classes, "v2")
        elif kind == "rnnt":
            write_rnnt(folder, "v3_rnnt", classes, ("h.1", "c.1"), seed=18, blank=20)
        else:
            write_rnnt(folder, "v3_e2e_rnnt", classes, ("hi", "ci"), seed=7, blank=40)
        name = {"e2e_rnnt": "v3_e2e_rnnt_vocab.txt", "v2_ctc": "v2_vocab.txt"}.get(kind, "v3_vocab.txt")
        lines = [f"{token} {index}\n" for index, token in enumerate([*tokens, "<blk>"])]
        (folder / name).write_text("".join(lines), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def ctc(make_model, tmp_path) -> Path:
    return make_model("ctc", tmp_path / "ctc")


@pytest.fixture
def rnnt(make_model, tmp_path) -> Path:
    return make_model("rnnt", tmp_path / "rnnt")
