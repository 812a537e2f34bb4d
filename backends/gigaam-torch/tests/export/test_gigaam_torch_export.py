"""`govor export` writes files that give torch's results and that the plugin gigaam-onnx reads."""

import contextlib
import hashlib
import json
import math
from importlib.metadata import entry_points
from itertools import chain

import numpy as np
import pytest

import govor

torch = pytest.importorskip("torch", reason="an export is made with torch")
onnx = pytest.importorskip("onnx", reason="an export is written with onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="an export is compared with torch by onnxruntime")
plugin = pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")
writing = pytest.importorskip("govor_gigaam_torch.export.writing")
graphs = pytest.importorskip("govor_gigaam_torch.export.graphs")

LOGPROBS = govor.Options(logprobs=True)
PUBLISHED = {
    "v3_vocab.txt": "a9143c30844d3c0bee3e9e927e4084774eb1b9eeaafc473b2c4521e4911a7c07",
    "config.json": "0641fcf73f4af791c73f05083e38a658ff5dcbee3534a0c61396c10f4b97f0fe",
}
"""Checksums of the public export's files."""


@pytest.fixture
def onnx_models(tmp_path):
    """Load an export with the plugin gigaam-onnx, as an operator's own model."""
    points = entry_points(group="govor", name="gigaam-onnx")
    if not points:
        pytest.skip("govor-gigaam-onnx is not installed")

    def load(folder, precision):
        table = {"id": "mine", "folder": str(folder), "precision": precision}
        backend = next(iter(points)).load().backend({"models": [table]})
        [spec] = [spec for spec in backend.models() if spec.id == "mine"]
        return backend.load(spec, folder, govor.RuntimeOptions("cpu"))

    return load


def torch_model(path, tokenizer=None):
    table = {"id": "mine", "folder": str(path.parent), "checkpoint": path.name}
    files = [govor.ModelFile(path.name, ())]
    if tokenizer:
        (path.parent / "tokenizer.model").write_bytes(tokenizer.read_bytes())
        files.append(govor.ModelFile("tokenizer.model", ()))
    spec = govor.ModelSpec("mine", tuple(files), ("ru",))
    return plugin.backend({"models": [table]}).load(spec, path.parent, govor.RuntimeOptions("cpu"))


def assert_same(found, expected):
    """Texts are equal, log-probabilities within 1e-3."""
    assert [len(own) for own in found] == [len(own) for own in expected]
    assert all(expected)
    for one, other in zip(chain(*found), chain(*expected), strict=True):
        assert one.text == other.text
        assert [token.logprob for token in one.tokens] == pytest.approx(
            [token.logprob for token in other.tokens], abs=1e-3
        )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def sounds(noise):
    return [noise(samples, seed=samples) for samples in (40_000, 16_001)]


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
def test_an_export_answers_as_the_checkpoint_does(tmp_path, published, onnx_models, sounds, generation, kind):
    path, _, _ = published(generation, kind)
    folder = tmp_path / "export"
    exported = writing.export(path, folder)
    assert exported.difference.largest <= 1e-3
    assert_same(
        onnx_models(folder, "original").transcribe(sounds, LOGPROBS),
        torch_model(path).transcribe(sounds, LOGPROBS),
    )


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
def test_an_export_of_an_e2e_model_writes_its_pieces(tmp_path, e2e, tokenizer, onnx_models, sounds, kind):
    path, folder = e2e(kind), tmp_path / "export"
    writing.export(path, folder, tokenizer=tokenizer[0])
    lines = (folder / f"v3_e2e_{kind}_vocab.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [f"{token} {index}" for index, token in enumerate([*tokenizer[1], "<blk>"])]
    assert_same(
        onnx_models(folder, "original").transcribe(sounds, LOGPROBS),
        torch_model(path, tokenizer[0]).transcribe(sounds, LOGPROBS),
    )


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
def test_an_export_of_v3_can_be_rewritten_for_this_cpu(tmp_path, published, onnx_models, sounds, kind):
    path, _, _ = published("v3", kind)
    folder = tmp_path / "export"
    writing.export(path, folder)
    found = onnx_models(folder, "fp32").transcribe(sounds, LOGPROBS)
    assert_same(found, torch_model(path).transcribe(sounds, LOGPROBS))
    assert [name for name in names(folder) if name.endswith(".fp32.onnx")], names(folder)
    assert not [name for name in names(folder) if name.endswith(".refused")]


def test_files_are_named_and_built_as_those_of_the_public_exports(tmp_path, published):
    ctc, _, _ = published("v3", "ctc", name="ctc.ckpt")
    rnnt, _, _ = published("v2", "rnnt", name="rnnt.ckpt")
    writing.export(ctc, tmp_path / "ctc")
    writing.export(rnnt, tmp_path / "rnnt")
    parts = ["v2_rnnt_decoder.onnx", "v2_rnnt_encoder.onnx", "v2_rnnt_joint.onnx"]
    assert names(tmp_path / "ctc") == ["config.json", "v3_ctc.onnx", "v3_vocab.txt"]
    assert names(tmp_path / "rnnt") == ["config.json", *parts, "v2_vocab.txt"]
    assert json.loads((tmp_path / "rnnt/config.json").read_text())["version"] == "v2"
    borders = {
        "ctc/v3_ctc.onnx": (["features", "feature_lengths"], ["log_probs", "encoded_lengths"]),
        "rnnt/v2_rnnt_encoder.onnx": (["audio_signal", "length"], ["encoded", "encoded_len"]),
        "rnnt/v2_rnnt_decoder.onnx": (["x", "h.1", "c.1"], ["dec", "h", "c"]),
        "rnnt/v2_rnnt_joint.onnx": (["enc", "dec"], ["joint"]),
    }
    for file, (inputs, outputs) in borders.items():
        model = onnx.load(tmp_path / file)
        assert [each.name for each in model.graph.input] == inputs
        assert [each.name for each in model.graph.output] == outputs
        assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]


def test_a_graph_may_be_for_shorter_audio_than_the_public_ones(tmp_path, make_network):
    [part] = graphs.parts_of(make_network("v3", "ctc"), longest=50)
    path = tmp_path / "short.onnx"
    graphs.trace(part, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    for frames, fits in ((200, True), (240, False)):
        values = np.zeros((1, 64, frames), np.float32), np.array([frames])
        with contextlib.nullcontext() if fits else pytest.raises(Exception, match="50 by 60"):
            session.run(None, dict(zip(names, values, strict=True)))


def test_the_small_files_of_a_v3_model_are_those_of_the_public_export(tmp_path, published):
    path, _, _ = published("v3", "ctc")
    writing.export(path, tmp_path / "export")
    for name, sha256 in PUBLISHED.items():
        assert hashlib.sha256((tmp_path / "export" / name).read_bytes()).hexdigest() == sha256


def constants(path):
    """Return the types of stored constants with more than one axis."""
    tensors = [each for each in onnx.load(path).graph.initializer if len(each.dims) > 1]
    return {onnx.helper.tensor_dtype_to_np_dtype(each.data_type).name for each in tensors}


def test_fp16_halves_the_weights_and_nothing_else(tmp_path, published, onnx_models, sounds):
    path, _, _ = published("v3", "rnnt", dtype=torch.float16)
    folder = tmp_path / "export"
    exported = writing.export(path, folder, precision="fp16")
    assert names(folder)[2] == "v3_rnnt_encoder.fp16.onnx"
    assert exported.difference.largest <= 1e-3, "weights in half precision lose nothing"
    encoder = onnx.load(folder / "v3_rnnt_encoder.fp16.onnx")
    large = [each for each in encoder.graph.initializer if math.prod(each.dims) >= 512]
    assert {each.data_type for each in large} == {onnx.TensorProto.FLOAT16}
    assert encoder.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert constants(folder / "v3_rnnt_joint.fp16.onnx") == {"float32"}
    assert_same(
        onnx_models(folder, "original").transcribe(sounds, LOGPROBS),
        torch_model(path).transcribe(sounds, LOGPROBS),
    )


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
def test_int8_is_of_products_alone(tmp_path, published, onnx_models, sounds, kind):
    path, _, _ = published("v3", kind)
    folder = tmp_path / "export"
    exported = writing.export(path, folder, precision="int8")
    assert exported.difference.relative < 0.05
    name = "v3_ctc.int8.onnx" if kind == "ctc" else "v3_rnnt_encoder.int8.onnx"
    graph = onnx.load(folder / name).graph
    operators = [node.op_type for node in graph.node]
    assert operators.count("MatMulInteger") == 2 * 8  # each layer's attention and feed-forward modules
    assert "ConvInteger" not in operators
    scales = [list(each.dims) for each in graph.initializer if each.name.endswith(".scale")]
    assert all(dims in ([64], [256]) for dims in scales), "a scale per column"
    assert all(onnx_models(folder, "auto").transcribe(sounds, LOGPROBS))


def test_weights_too_large_for_one_file_are_beside_it(tmp_path, published, onnx_models, sounds, monkeypatch):
    path, _, _ = published("v3", "ctc")
    folder = tmp_path / "export"
    monkeypatch.setattr(writing, "LARGEST_FILE", 100_000)
    writing.export(path, folder)
    assert names(folder) == ["config.json", "v3_ctc.onnx", "v3_ctc.onnx.data", "v3_vocab.txt"]
    graph, data = ((folder / name).stat() for name in ("v3_ctc.onnx", "v3_ctc.onnx.data"))
    assert graph.st_size < data.st_size
    assert graph.st_mode == data.st_mode
    found = onnx_models(folder, "original").transcribe(sounds, LOGPROBS)
    assert_same(found, torch_model(path).transcribe(sounds, LOGPROBS))
