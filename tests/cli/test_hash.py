"""`govor hash` prints what a backend states of its files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import govor
from govor.cli import cli


def listed(*arguments: Any) -> tuple[govor.ModelFile, ...]:
    result = CliRunner().invoke(cli, ["hash", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return tuple(eval(f"({result.stdout})", {"govor": govor}))  # what an author pastes into a module


def test_a_file_is_printed_as_a_model_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    (file,) = listed(tmp_path / "model.onnx", "--source", "hf:owner/repo@0123abc")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    assert file == govor.ModelFile("model.onnx", ("hf:owner/repo@0123abc/model.onnx",), 7, sha256)


def test_the_files_of_a_folder_have_their_paths_as_names(tmp_path: Path) -> None:
    (tmp_path / "lang").mkdir()
    for name in ("lang/words.txt", "config.json"):
        (tmp_path / name).write_bytes(b"x")
    assert [file.name for file in listed(tmp_path)] == ["config.json", "lang/words.txt"]


@pytest.mark.parametrize("name", ["absent", "absent/absent"])
def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(cli, ["hash", str(tmp_path / name)])
    assert result.exit_code == 2
    assert "does not exist" in result.output
