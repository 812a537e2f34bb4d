"""Loading: the roles of files, their faults, and the graph that runs."""

import shutil

import numpy as np
import pytest

import govor
import govor_gigaam_onnx
from govor_gigaam_onnx.graph.preparation import probe


def load(folder, precision="original", device="cpu", requested=None, **settings):
    table = {"id": "mine", "folder": str(folder), "precision": precision}
    family = govor_gigaam_onnx.backend({"models": [table], **settings})
    return family.load(family.models()[0], folder, requested or govor.RuntimeOptions(device))


def text(recognizer, seconds=3.0):
    return recognizer.transcribe([probe(seconds)], govor.Options())[0][0].text


@pytest.mark.parametrize("kind", ["ctc", "rnnt", "e2e_rnnt", "v2_ctc"])
def test_all_precisions_but_int8_write_the_same(make_model, tmp_path, kind):
    folder = make_model(kind, tmp_path)
    assert text(load(folder, "fp32")) == text(load(folder, "original")) != ""


def test_auto_is_int8(ctc):
    load(ctc, "auto")
    assert list(ctc.glob("v3_ctc.govor-*.int8.onnx"))


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
@pytest.mark.parametrize("precision", ["original", "fp32", "int8"])
def test_a_batch_of_unequal_lengths_gives_the_results_of_single_calls(make_model, tmp_path, kind, precision):
    recognizer = load(make_model(kind, tmp_path), precision)
    batch = [probe(seconds) for seconds in (0.1, 3.0, 1.7, 0.02, 2.2, 5.0, 0.9, 2.9)]
    options = govor.Options(words=True, logprobs=True)
    together = recognizer.transcribe(batch, options)
    assert together == [recognizer.transcribe([audio], options)[0] for audio in batch]


def test_tokens_joined_are_the_text(rnnt):
    ((segment,),) = load(rnnt).transcribe([probe(3)], govor.Options(logprobs=True))
    assert b"".join(token.data for token in segment.tokens).decode().strip() == segment.text
    assert segment.avg_logprob == pytest.approx(np.mean([token.logprob for token in segment.tokens]))


def test_max_symbols_is_obeyed(rnnt):
    assert len(text(load(rnnt, max_symbols=1))) < len(text(load(rnnt, max_symbols=10)))


def test_threads_say_how_many_may_call(ctc):
    assert load(ctc, threads=3).info.parallel == 3


def test_a_models_own_settings_go_before_the_plugins(ctc):
    requested = govor.RuntimeOptions("cpu", threads=2, workers=3, precision="fp32")
    recognizer = load(ctc, "int8", requested=requested, threads=1)
    assert recognizer.info.runtime == requested
    assert recognizer.info.parallel == 3


def test_its_precision_is_reported(ctc):
    assert load(ctc, "auto", threads=1).info.runtime == govor.RuntimeOptions("cpu", 1, 1, "int8")
    assert load(ctc, "original").info.runtime.precision == "fp32"


@pytest.mark.parametrize("precision", ["fp16", "float64"])
def test_a_precision_that_cannot_be_had_is_named(ctc, precision):
    with pytest.raises(govor.LoadFailed, match=rf"'{precision}': say auto, fp32, int8, original"):
        load(ctc, requested=govor.RuntimeOptions("cpu", precision=precision))


def test_the_publishers_int8_runs_as_it_is_beside_other_files(ctc):
    shutil.copy(ctc / "v3_ctc.onnx", ctc / "v3_ctc.int8.onnx")
    spec = govor.ModelSpec("published", files=(govor.ModelFile("v3_ctc.int8.onnx", ("https://a.b/c",)),))
    runtime = govor.RuntimeOptions("cpu", precision="original-int8")
    recognizer = govor_gigaam_onnx.backend({}).load(spec, ctc, runtime)
    assert recognizer.info.runtime.precision == "int8"
    assert not list(ctc.glob("*.govor-*"))


def test_only_int8_files_are_taken_for_the_publishers_int8(ctc):
    with pytest.raises(govor.LoadFailed, match=r"computes in fp32, and cannot be had in original-int8"):
        load(ctc, requested=govor.RuntimeOptions("cpu", precision="original-int8"))


def test_an_int8_export_is_not_taken_for_fp32(ctc):
    (ctc / "v3_ctc.onnx").rename(ctc / "v3_ctc.int8.onnx")
    with pytest.raises(govor.LoadFailed, match=r"computes in int8, and cannot be had in fp32"):
        load(ctc, requested=govor.RuntimeOptions("cpu", precision="fp32"))


def test_an_int8_export_alone_runs_as_it_is(ctc):
    (ctc / "v3_ctc.onnx").rename(ctc / "v3_ctc.int8.onnx")
    assert text(load(ctc, "auto"))
    assert not list(ctc.glob("*.govor-*"))


def test_of_two_precisions_the_more_exact_file_is_taken(ctc):
    (ctc / "v3_ctc.int8.onnx").write_bytes(b"never opened")
    assert text(load(ctc))


def test_the_generation_is_taken_from_the_config_before_the_name(ctc):
    of_v3 = text(load(ctc))
    (ctc / "config.json").write_text('{"version": "v2"}', encoding="utf-8")
    assert text(load(ctc)) != of_v3


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
def test_every_truncated_file_is_named(make_model, tmp_path, kind):
    folder = make_model(kind, tmp_path)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(govor.LoadFailed, match=path.name.replace(".", r"\.")):
            load(folder, "auto")
        path.write_bytes(whole)
    assert load(folder, "auto")


@pytest.mark.parametrize("part", ["encoder", "decoder", "joint", "vocab"])
def test_every_missing_file_is_missed(rnnt, part):
    (path,) = rnnt.glob(f"*{part}*")
    path.unlink()
    with pytest.raises(govor.LoadFailed, match=part):
        load(rnnt)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(govor.LoadFailed, match="holds no GigaAM model"):
        load(tmp_path)


def test_of_two_models_in_one_folder_the_operator_names_one(ctc):
    shutil.copy(ctc / "v3_ctc.onnx", ctc / "v3_e2e_ctc.onnx")
    with pytest.raises(govor.LoadFailed, match="more than one model"):
        load(ctc)


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
def test_a_vocabulary_of_another_size_is_named(make_model, tmp_path, kind):
    folder = make_model(kind, tmp_path)
    lines = (folder / "v3_vocab.txt").read_text(encoding="utf-8").splitlines()
    (folder / "v3_vocab.txt").write_text("\n".join([*lines[:-2], "<blk> 32"]), encoding="utf-8")
    with pytest.raises(
        govor.LoadFailed, match=r"v3_vocab\.txt names 32 tokens and the blank, but .* 34 classes"
    ):
        load(folder)


def test_a_network_of_another_kind_is_named(ctc, rnnt):
    shutil.copy(rnnt / "v3_rnnt_joint.onnx", ctc / "v3_ctc.onnx")
    with pytest.raises(govor.LoadFailed, match=r"v3_ctc\.onnx is no encoder of GigaAM"):
        load(ctc)


def test_decoder_and_joint_of_different_models_are_named(rnnt, make_model, tmp_path):
    shutil.copy(rnnt / "v3_rnnt_joint.onnx", rnnt / "v3_rnnt_decoder.onnx")
    with pytest.raises(govor.LoadFailed, match=r"v3_rnnt_decoder\.onnx"):
        load(rnnt)


@pytest.mark.parametrize("device", ["mps", "cuda", "tpu"])
def test_a_device_that_is_not_there_is_named(ctc, device):
    with pytest.raises(govor.LoadFailed, match=device):
        load(ctc, device=device)
