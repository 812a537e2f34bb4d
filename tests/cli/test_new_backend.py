"""`govor new-backend` writes a package that is found, answers and passes its tests as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from govor.cli import cli
from govor.cli.new_backend import PLACES, write_package
from govor.errors import ConfigurationError
from support.processes.packages import install_package

ROOT = Path(__file__).parents[2]
SECONDS = 240


def test_the_template_is_the_example_itself(tmp_path: Path) -> None:
    folder = write_package("echo", tmp_path)
    for place in set(PLACES) - {"README.md"}:
        assert (folder / place).read_bytes() == (ROOT / "backends/echo" / place).read_bytes()


def test_the_new_name_stands_in_all_places(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["new-backend", "my-model", "--in", str(tmp_path)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "my-model"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {"pyproject.toml", "README.md", "src/govor_my_model.py", "tests/test_my_model.py"}
    everything = "".join((folder / name).read_text(encoding="utf-8") for name in written)
    assert "echo" not in everything.lower()
    assert 'my-model = "govor_my_model"' in everything
    assert "class MyModel" in everything


@pytest.mark.parametrize("name", ["my-echo", "echo2"])
def test_a_name_may_hold_that_of_the_example(name: str, tmp_path: Path) -> None:
    folder, module = write_package(name, tmp_path), f"govor_{name.replace('-', '_')}"
    assert (folder / f"src/{module}.py").is_file()
    assert f'{name} = "{module}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    (test,) = (folder / "tests").iterdir()
    assert f"import {module}\n" in test.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["My-Model", "my_model", "7up", "a--b", "-a", "a/b", "", "ё"])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["new-backend", "--in", str(tmp_path), "--", name])
    assert isinstance(result.exception, ConfigurationError)
    assert "lower-case letters" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_an_installed_plugin_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["new-backend", "echo", "--in", str(tmp_path)])
    assert "A plugin 'echo' is installed already" in str(result.exception)


def test_a_folder_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        write_package("mine", tmp_path)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_what_it_writes_passes_its_tests_and_is_listed(tmp_path: Path) -> None:
    folder = write_package("my-model", tmp_path)
    site = tmp_path / "site"
    module = (folder / "src/govor_my_model.py").read_text(encoding="utf-8")
    install_package(
        site, "govor-my-model", {"govor_my_model.py": module}, "[govor]\nmy-model = govor_my_model\n"
    )
    env = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
    for command in (["pytest", "-q", "-p", "no:cacheprovider", "tests"], ["govor", "plugins"]):
        ran = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, env=env, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
    (line,) = [line for line in ran.stdout.splitlines() if "my-model" in line]
    assert "ready" in line
