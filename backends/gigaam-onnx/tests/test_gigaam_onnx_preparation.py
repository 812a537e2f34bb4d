"""Rewriting at the first load: when it is kept or repeated, and when the original runs."""

import os
import threading
from fnmatch import fnmatch

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import govor
from govor_gigaam_onnx.files.layout import find_files
from govor_gigaam_onnx.files.naming import DERIVED
from govor_gigaam_onnx.graph import preparation
from govor_gigaam_onnx.graph.preparation import prepare


def prepared(folder, numbers="int8"):
    return prepare(find_files(folder), numbers)


def change(path, edit):
    """Save a model again with its graph edited."""
    model = onnx.load(path)
    edit(model.graph)
    onnx.save(model, path)


@pytest.mark.parametrize("numbers", ["fp32", "int8"])
def test_the_rewritten_encoder_lies_beside_the_original_and_names_the_recipe(ctc, numbers):
    path = prepared(ctc, numbers)
    assert path.parent == ctc
    assert path.name.startswith(f"v3_ctc.govor-{preparation.RECIPE}-")
    assert path.name.endswith(f".{numbers}.onnx")


def test_it_is_made_once(ctc):
    path = prepared(ctc)
    made = path.stat().st_mtime_ns
    assert prepared(ctc) == path
    assert path.stat().st_mtime_ns == made


def test_nothing_else_is_left_in_the_folder(ctc):
    before = {path.name for path in ctc.iterdir()}
    path = prepared(ctc)
    assert {each.name for each in ctc.iterdir()} == before | {path.name, "v3_ctc.onnx.govor-lock"}


def test_it_is_kept_where_the_core_wants_it_and_the_models_folder_is_left_as_it_is(
    ctc, tmp_path, monkeypatch
):
    before, kept = {path.name for path in ctc.iterdir()}, tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(govor, "derived_folder", lambda folder: kept)
    path = prepared(ctc)
    assert prepared(ctc) == path
    assert path.parent == kept
    assert {each.name for each in ctc.iterdir()} == before
    assert all(any(fnmatch(each.name, pattern) for pattern in DERIVED) for each in kept.iterdir())


def test_one_that_lies_beside_the_original_already_is_used(ctc, tmp_path, monkeypatch):
    made = prepared(ctc)
    monkeypatch.setattr(govor, "derived_folder", lambda folder: tmp_path)
    assert prepared(ctc) == made


def test_it_is_made_anew_where_the_original_was_replaced_and_the_older_goes(ctc, make_model):
    first, exact = prepared(ctc), prepared(ctc, "fp32")
    make_model("ctc", ctc)
    os.utime(ctc / "v3_ctc.onnx", (1, 1))
    assert prepared(ctc) not in (first, ctc / "v3_ctc.onnx")
    assert not first.exists()
    assert exact.exists()


def test_it_is_made_anew_by_a_newer_recipe(ctc, monkeypatch):
    first = prepared(ctc)
    monkeypatch.setattr(preparation, "RECIPE", preparation.RECIPE + 1)
    assert prepared(ctc) != first


def test_an_encoder_that_answers_otherwise_when_rewritten_is_left_as_it_is(ctc, caplog):
    def double_the_scores(graph):
        node = next(node for node in graph.node if node.op_type == "LogSoftmax")
        scores = node.input[0]
        node.input[0] = "doubled"
        graph.node.insert(
            list(graph.node).index(node), onnx.helper.make_node("Add", [scores, scores], ["doubled"])
        )

    change(ctc / "v3_ctc.onnx", double_the_scores)
    assert prepared(ctc, "fp32") == ctc / "v3_ctc.onnx"
    assert "answers otherwise" in caplog.text


def test_an_encoder_of_another_kind_is_left_as_it_is(ctc, caplog):
    def widen(graph):
        first = graph.initializer[0]
        first.CopyFrom(
            numpy_helper.from_array(
                np.pad(numpy_helper.to_array(first), ((0, 0), (0, 0), (1, 1))), first.name
            )
        )
        graph.node[0].attribute[-1].ints[:] = [3, 3]

    change(ctc / "v3_ctc.onnx", widen)
    assert prepared(ctc) == ctc / "v3_ctc.onnx"
    assert "not an encoder of GigaAM" in caplog.text


def test_an_encoder_that_makes_too_large_a_file_is_left_as_it_is(ctc, monkeypatch, caplog):
    monkeypatch.setattr(preparation, "LARGEST", 10_000)
    assert prepared(ctc) == ctc / "v3_ctc.onnx"
    assert "larger than one ONNX file" in caplog.text


def test_why_it_was_left_is_kept_and_not_tried_again(ctc, monkeypatch, caplog):
    monkeypatch.setitem(preparation.TOLERANCE, "int8", -1.0)
    prepared(ctc)
    monkeypatch.setattr(preparation, "build_graph", None)  # would raise if it were called
    caplog.clear()
    with caplog.at_level("INFO"):
        assert prepared(ctc) == ctc / "v3_ctc.onnx"
    assert "answers otherwise" in caplog.text


def test_without_write_permission_the_original_runs(ctc, monkeypatch, caplog):
    def refuse(*_):
        raise PermissionError(13, "read-only")

    monkeypatch.setattr(preparation.onnx, "save", refuse)
    assert prepared(ctc) == ctc / "v3_ctc.onnx"
    assert "read-only" in caplog.text


def test_loads_at_the_same_time_rewrite_once(ctc, monkeypatch):
    built = []
    build = preparation.build_graph
    monkeypatch.setattr(
        preparation, "build_graph", lambda *args, **kwargs: built.append(1) or build(*args, **kwargs)
    )
    threads = [threading.Thread(target=prepared, args=(ctc,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
