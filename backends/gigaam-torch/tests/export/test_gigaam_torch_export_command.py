"""The command `govor export`: its output, and its refusals."""

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

import govor

torch = pytest.importorskip("torch", reason="an export is made with torch")
pytest.importorskip("onnx", reason="an export is written with onnx")
pytest.importorskip("onnxruntime", reason="an export is compared with torch by onnxruntime")
pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")
checkpoint = pytest.importorskip("govor_gigaam_torch.checkpoint.reading")
command = pytest.importorskip("govor_gigaam_torch.export.command")
writing = pytest.importorskip("govor_gigaam_torch.export.writing")

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_several_precisions_share_a_folder_and_nothing_is_overwritten_unasked(tmp_path, published):
    path, _, _ = published("v3", "ctc")
    folder = tmp_path / "export"
    writing.export(path, folder)
    writing.export(path, folder, precision="int8")
    before = (folder / "v3_ctc.onnx").stat()
    with pytest.raises(govor.InvalidParam, match=r"holds v3_ctc\.onnx already; --force overwrites"):
        writing.export(path, folder)
    assert (folder / "v3_ctc.onnx").stat() == before
    (folder / "v3_vocab.txt").write_text("<blk> 0\n")
    with pytest.raises(govor.InvalidParam, match=r"holds v3_vocab\.txt already"):
        writing.export(path, folder, precision="fp16")
    writing.export(path, folder, overwrite=True)
    assert len((folder / "v3_vocab.txt").read_text(encoding="utf-8").splitlines()) == 34


def test_an_export_that_answers_otherwise_is_not_kept(tmp_path, published, monkeypatch):
    path, _, _ = published("v3", "ctc")
    monkeypatch.setitem(writing.LIMITS, "int8", 1e-6)
    with pytest.raises(govor.LoadFailed, match=r"model\.ckpt was not exported: in int8 its results would"):
        writing.export(path, tmp_path / "export", precision="int8")
    assert names(tmp_path / "export") == []


@pytest.mark.parametrize(
    ("sizes", "loudness"),
    [({}, 2), ({"features": 64, "n_fft": 512, "win_length": 512}, 1)],
    ids=["another window", "other sizes"],
)
def test_features_that_no_program_computes_are_refused(tmp_path, published, sizes, loudness):
    path, _, _ = published("v3", "ctc", **({"preprocessor": sizes} if sizes else {}))
    stored = torch.load(path)
    stored["state_dict"][checkpoint.WINDOW] *= loudness
    torch.save(stored, path)
    with pytest.raises(govor.LoadFailed, match=r"model\.ckpt was not exported: .* other features"):
        writing.export(path, tmp_path / "export")


def run(*args):
    return CliRunner().invoke(command.export, [str(arg) for arg in args])


def test_the_command_prints_steps_files_and_the_difference(tmp_path, published):
    path, _, _ = published("v3", "rnnt")
    result = run(path, "--output", tmp_path / "calls", "--name", "calls_rnnt")
    assert result.exit_code == 0, result.output
    assert "Writing calls_rnnt_encoder.onnx …\n" in result.stderr
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == [
        str(tmp_path / "calls" / name) for name in names(tmp_path / "calls")
    ]
    assert lines[-1].startswith("Largest difference to torch: ")


def test_a_file_that_is_no_checkpoint_is_named_and_the_folder_not_made(tmp_path):
    path = tmp_path / "notes.ckpt"
    path.write_text("Not a model.")
    result = run(path, "-o", tmp_path / "export")
    assert isinstance(result.exception, govor.LoadFailed)
    assert str(path) in str(result.exception)
    assert not (tmp_path / "export").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, published):
    (tmp_path / "file").touch()
    result = run(published()[0], "-o", tmp_path / "file" / "export")
    assert result.exit_code == 1
    assert result.stderr.endswith(f"Error: {tmp_path}/file/export cannot be written to: Not a directory\n")


def test_an_e2e_model_asks_for_its_tokenizer(tmp_path, e2e):
    result = run(e2e("ctc"), "-o", tmp_path / "export")
    assert isinstance(result.exception, govor.LoadFailed)
    assert "name the SentencePiece file" in str(result.exception)


def test_a_name_that_would_hide_the_precision_is_refused(tmp_path, published):
    result = run(published()[0], "-o", tmp_path / "export", "--name", "v3.1_ctc")
    assert result.exit_code == 2
    assert "take letters, digits, - and _" in result.stderr


def test_packages_that_are_missing_are_named_with_what_installs_them(tmp_path, published, monkeypatch):
    monkeypatch.setattr(command, "NEEDED", ("torch", "absent_onnx"))
    result = run(published()[0], "-o", tmp_path / "export")
    assert result.exit_code == 1
    assert "pip install absent_onnx (the extra `export` of govor-gigaam-torch)" in result.stderr


def test_the_plugin_declares_the_command_and_it_is_light_to_import():
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    ((name, value),) = project["entry-points"]["govor.commands"].items()
    assert (name, EntryPoint(name, value, "govor.commands").load()) == ("export", command.export)
    code = (
        f"import sys, {command.__name__}; print({{'torch', 'onnx', 'numpy', 'pydantic'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
