"""The rewritten encoder gives the results of the export that it was made from."""

import numpy as np
import onnx
import pytest

from govor_gigaam_onnx.graph.builder import quantise_columns
from govor_gigaam_onnx.graph.conformer import read_encoder
from govor_gigaam_onnx.graph.export import Export, NotUnderstood
from govor_gigaam_onnx.graph.rewriting import build_graph
from govor_gigaam_onnx.runtime.sessions import CPU, Session


def features(frames, seed=0):
    """(64, frames) that look like log-mel: slow changes and noise."""
    random = np.random.default_rng(seed)
    slow = np.cumsum(random.standard_normal((64, frames)), axis=1) / 8
    return (slow + random.standard_normal((64, frames)) - 8).astype(np.float32)


@pytest.fixture(params=["ctc", "rnnt", "v2_ctc"])
def export(request, make_model, tmp_path):
    """The file with the encoder."""
    name = {"ctc": "v3_ctc.onnx", "rnnt": "v3_rnnt_encoder.onnx", "v2_ctc": "v2_ctc.onnx"}[request.param]
    return make_model(request.param, tmp_path / "model") / name


def rewritten(export, *, int8):
    path = export.with_name(f"rewritten-{int8}.onnx")
    onnx.save(build_graph(read_encoder(Export.read(export)), int8=int8), path)
    return Session(path, CPU)


def original(export):
    return Session(export, CPU)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 96, 97, 98, 99, 1000])
def test_in_float32_it_is_the_export(export, frames):
    sound = features(frames)[None]
    (expected, lengths), (result,) = (
        original(export).run(sound, [frames]),
        rewritten(export, int8=False).run(sound),
    )
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)
    assert lengths[0] in result.shape


def test_one_by_one_it_is_the_export_with_a_batch(export):
    batch = np.stack([features(201, seed=seed) for seed in range(3)])
    together, _ = original(export).run(batch, [201] * 3)
    alone = rewritten(export, int8=False)
    for sound, expected in zip(batch, together, strict=True):
        np.testing.assert_allclose(alone.run(sound[None])[0][0], expected, rtol=0, atol=1e-4)


def test_in_int8_it_is_close(export):
    sound = features(500)[None]
    (expected, _), (result,) = original(export).run(sound, [500]), rewritten(export, int8=True).run(sound)
    cosine = (expected * result).sum() / np.sqrt(np.square(expected).sum() * np.square(result).sum())
    assert cosine > 0.995
    assert np.abs(result - expected).max() > 1e-4  # otherwise nothing was quantised


def test_in_int8_every_product_but_the_head_is_of_integers(ctc):
    graph = build_graph(read_encoder(Export.read(ctc / "v3_ctc.onnx")), int8=True).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("MatMulIntegerToFloat") == 2 + 2 * 11
    assert kinds.count("MatMul") == 1


def test_attention_and_norm_stay_apart_when_onnxruntime_optimises(ctc, tmp_path):
    import onnxruntime

    path, optimised = tmp_path / "own.onnx", tmp_path / "optimised.onnx"
    onnx.save(build_graph(read_encoder(Export.read(ctc / "v3_ctc.onnx")), int8=True), path)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(optimised)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(path, options, providers=CPU)
    kinds = {node.op_type for node in onnx.load(optimised).graph.node}
    assert "SkipLayerNormalization" not in kinds
    assert "MultiHeadAttention" in kinds


def test_a_batch_is_refused_rather_than_decoded_wrongly(export):
    with pytest.raises(Exception, match="Got: 2 Expected: 1"):
        rewritten(export, int8=False).run(np.stack([features(50), features(50)]))


def test_quantised_weights_are_off_by_half_a_step_at_most():
    weight = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32) * np.logspace(-6, 3, 7)
    quantised, scale = quantise_columns(weight.astype(np.float32))
    assert quantised.dtype == np.int8
    assert np.all(np.abs(quantised * scale - weight) <= scale / 2 * 1.001)


def test_a_column_of_zeros_stays_one():
    quantised, scale = quantise_columns(np.zeros((3, 2), np.float32))
    assert not np.any(quantised * scale)
    assert np.all(np.isfinite(scale))


def test_a_decoder_is_no_encoder(rnnt):
    with pytest.raises(NotUnderstood, match="not a rotary encoder"):
        read_encoder(Export.read(rnnt / "v3_rnnt_decoder.onnx"))
