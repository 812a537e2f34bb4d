"""Reading weights from exports of every kind, after the transformations that exporters apply."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from govor_gigaam_onnx.decoding.transducer import read_transducer
from govor_gigaam_onnx.files.layout import find_files
from govor_gigaam_onnx.graph.conformer import read_encoder
from govor_gigaam_onnx.graph.export import Export, NotUnderstood
from govor_gigaam_onnx.graph.preparation import compare, prepare


def moved(export, tensor, operator, value, *more, **attributes):
    """Replace a weight by a node that makes it from a stored value."""
    name = f"stored_{tensor.name}"
    extra = [numpy_helper.from_array(np.array(each), f"{name}_{place}") for place, each in enumerate(more)]
    inputs = [name, *(each.name for each in extra)]
    export.graph.node.insert(0, helper.make_node(operator, inputs, [tensor.name], **attributes))
    export.graph.initializer.extend([numpy_helper.from_array(value, name), *extra])
    export.graph.initializer.remove(tensor)


def test_weights_in_half_precision_are_read(ctc):
    path = ctc / "v3_ctc.onnx"
    export = onnx.load(path)
    for tensor in [each for each in export.graph.initializer if len(each.dims) == 2]:
        moved(export, tensor, "Cast", numpy_helper.to_array(tensor).astype(np.float16), to=TensorProto.FLOAT)
    onnx.save(export, path)
    files = find_files(ctc)
    assert prepare(files, "fp32") != path
    assert compare(files, prepare(files, "fp32"), "fp32") < 1e-3


def test_weights_beside_the_graph_are_read(ctc):
    path = ctc / "v3_ctc.onnx"
    export = onnx.load(path)
    onnx.save(export, path, save_as_external_data=True, location="v3_ctc.onnx.data", size_threshold=500)
    assert (ctc / "v3_ctc.onnx.data").stat().st_size > path.stat().st_size
    assert prepare(find_files(ctc), "fp32") != path


def test_heads_are_known_from_the_speeds_of_rotation_where_there_is_no_table(ctc):
    export = onnx.load(ctc / "v3_ctc.onnx")
    table = next(each for each in export.graph.initializer if len(each.dims) == 4)
    expected = numpy_helper.to_array(table)
    export.graph.initializer.remove(table)
    speeds = (1 / 5000 ** (np.arange(0, 8, 2) / 8)).astype(np.float32)
    export.graph.initializer.append(numpy_helper.from_array(speeds, "speeds"))
    encoder = read_encoder(Export(export))
    assert (encoder.heads, len(encoder.layers)) == (2, 2)
    np.testing.assert_allclose(encoder.cosine[:600], expected[:600, 0, 0, :4], atol=1e-4)
    np.testing.assert_allclose(encoder.sine[:600], expected[600:, 0, 0, :4], atol=1e-4)


def test_an_lstm_whose_gates_are_put_in_order_by_the_graph_is_read(rnnt):
    decoder, joint = (rnnt / f"v3_rnnt_{part}.onnx" for part in ("decoder", "joint"))
    expected = read_transducer(Export.read(decoder), Export.read(joint))
    export = onnx.load(decoder)
    lstm = next(node for node in export.graph.node if node.op_type == "LSTM")
    weight = next(each for each in export.graph.initializer if each.name == lstm.input[2])
    moved(export, weight, "Unsqueeze", numpy_helper.to_array(weight)[0], [0])
    found = read_transducer(Export(export), Export.read(joint))
    np.testing.assert_array_equal(found.recurrent, expected.recurrent)


def test_integer_weights_are_not_understood(ctc):
    export = onnx.load(ctc / "v3_ctc.onnx")
    weight = next(each for each in export.graph.initializer if len(each.dims) == 2)
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.int8), weight.name))
    with pytest.raises(NotUnderstood, match="int8"):
        read_encoder(Export(export))


def test_an_export_by_torch_is_understood(tmp_path):
    """The real exporter, if torch is installed: traced as upstream traces it."""
    model = pytest.importorskip("govor_gigaam_torch.network.model")
    graphs = pytest.importorskip("govor_gigaam_torch.export.graphs")
    small = model.EncoderConfig(
        n_layers=2, d_model=32, n_heads=2, subsampling="conv1d", subs_kernel_size=5, conv_kernel_size=5,
        conv_norm_type="layer_norm",
    )  # fmt: skip
    (part,) = graphs.parts_of(model.GigaAM(small, model.HeadConfig("ctc", 34)))
    graphs.trace(part, tmp_path / "v3_ctc.onnx")
    (tmp_path / "v3_vocab.txt").touch()
    files = find_files(tmp_path)
    assert compare(files, prepare(files, "fp32"), "fp32") < 1e-3
