import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="an export is written with onnx")
reference = pytest.importorskip("onnx.reference")
quantisation = pytest.importorskip(
    "govor_gigaam_torch.export.quantisation", reason="govor-gigaam-torch is not installed"
)


@pytest.fixture
def small():
    """Make x (8, 8) @ weight (8, 128) + addend (8, 128), and its result."""

    def make(weight, addend, change):
        tensors = [
            onnx.numpy_helper.from_array(value, name) for name, value in (("w", weight), ("a", addend))
        ]
        nodes = [
            onnx.helper.make_node("MatMul", ["x", "w"], ["y"]),
            onnx.helper.make_node("Add", ["y", "a"], ["z"]),
        ]
        x, z = (
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [8, size])
            for name, size in (("x", 8), ("z", 128))
        )
        graph = onnx.helper.make_graph(nodes, "small", [x], [z], tensors)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
        change(model)
        onnx.checker.check_model(model)
        inputs = {"x": np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)}
        return model, inputs["x"] @ weight + addend, reference.ReferenceEvaluator(model).run(None, inputs)[0]

    return make


def stored(model):
    return {
        each.name: onnx.helper.tensor_dtype_to_np_dtype(each.data_type).name
        for each in model.graph.initializer
    }


def test_numbers_beyond_half_precision_are_not_halved(small):
    weight, addend = np.full((8, 128), 1 / 3, np.float32), np.full((8, 128), 1e6, np.float32)
    model, expected, found = small(weight, addend, quantisation.halve)
    assert stored(model) == {"w.half": "float16", "a": "float32"}
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_every_column_has_its_own_scale(small):
    weight = np.random.default_rng(1).standard_normal((8, 128)).astype(np.float32)
    weight *= np.logspace(-4, 4, 128, dtype=np.float32)
    model, expected, found = small(weight, np.zeros((8, 128), np.float32), quantisation.quantise)
    assert stored(model) == {"w.int8": "int8", "w.scale": "float32", "a": "float32"}
    apart = np.abs(found - expected).max(axis=0) / np.abs(expected).max(axis=0)
    assert apart.max() < 0.05


def test_a_column_of_zeros_stays_zero(small):
    weight = np.ones((8, 128), np.float32)
    weight[:, 7] = 0
    _, expected, found = small(weight, np.zeros((8, 128), np.float32), quantisation.quantise)
    assert (found[:, 7] == 0).all()
    np.testing.assert_allclose(found, expected, atol=0.1)
