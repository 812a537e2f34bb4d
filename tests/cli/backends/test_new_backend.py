"""`govor new-backend` writes a package that is found, answers and passes its tests as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

import govor
from govor.cli import cli
from govor.cli.backends.new_backend import Wanted, write_package
from govor.errors import ConfigurationError
from govor.models.streamed import transcribe
from govor.testing import hum
from support.models.hub_standin import Hub, standing_in
from support.processes.packages import install_package

SECONDS = 240
COMBINATIONS = {
    "plain": Wanted(),
    "words": Wanted(words=True),
    "languages": Wanted(languages=("ru", "en")),
    "repository": Wanted(repository="owner/small@main"),
    "streaming": Wanted(streaming=True),
    "everything": Wanted(words=True, streaming=True, languages=("ru",), repository="owner/small@main"),
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The hub, with a repository of a model."""
    with standing_in(tmp_path / "hub-cache") as hub:
        hub.put("owner/small", "weights.bin", b"weights")
        hub.put("owner/small", "lang/words.txt", b"yes no", large=False)
        for name in ("README.md", ".gitattributes", 'a"b.bin'):
            hub.put("owner/small", name, b"read", large=False)
        yield hub


def module_of(folder: Path) -> Path:
    (module,) = (folder / "src").iterdir()
    return module


def test_the_new_name_stands_in_all_places(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["new-backend", "tiny-talk", "--in", str(tmp_path)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "tiny-talk"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {"pyproject.toml", "README.md", "src/govor_tiny_talk.py", "tests/test_tiny_talk.py"}
    everything = "".join((folder / name).read_text(encoding="utf-8") for name in written)
    assert not [name for name in ("my-model", "my_model", "MyModel", "MyFamily", "#if") if name in everything]
    assert 'tiny-talk = "govor_tiny_talk"' in everything
    assert "class TinyTalk" in everything


@pytest.mark.parametrize("name", ["not-my-model", "my-model2"])
def test_a_name_may_hold_that_of_the_template(name: str, tmp_path: Path) -> None:
    folder, module = write_package(name, tmp_path), f"govor_{name.replace('-', '_')}"
    assert module_of(folder).name == f"{module}.py"
    assert f'{name} = "{module}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    (test,) = (folder / "tests").iterdir()
    assert f"import {module}\n" in test.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["none", "true", "any", "path", "mapping", "sequence", "my-stream"])
def test_a_name_that_python_or_the_template_uses_makes_a_module_that_answers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = module_of(write_package(name, tmp_path, Wanted(words=True, streaming=True)))
    monkeypatch.syspath_prepend(module.parent)
    family = import_module(module.stem).backend({})
    (spec,) = family.models()
    loaded = family.load(spec, tmp_path, govor.RuntimeOptions())
    ((segment,),) = transcribe(loaded, [hum(1.0)], govor.Options())
    assert (spec.id, segment.text) == (name, "1.0 seconds.")


def test_the_commands_to_go_on_with_can_be_copied_though_the_folder_has_a_space(tmp_path: Path) -> None:
    parent = tmp_path / "my plugins"
    parent.mkdir()
    result = CliRunner().invoke(cli, ["new-backend", "tiny", "--in", str(parent)])
    assert f"pip install -e '{parent}/tiny' pytest\n  pytest '{parent}/tiny/tests'\n" in result.output


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


def test_languages_are_codes_or_names(tmp_path: Path) -> None:
    run = ["new-backend", "mine", "--in", str(tmp_path), "--languages"]
    assert "language" in str(CliRunner().invoke(cli, [*run, "klingon"]).exception)
    assert CliRunner().invoke(cli, [*run, "russian, en"]).exit_code == 0
    assert 'languages=("ru", "en"),' in module_of(tmp_path / "mine").read_text(encoding="utf-8")


def test_it_asks_for_the_parts_that_no_option_names(hub: Hub, tmp_path: Path) -> None:
    args = ["new-backend", "mine", "--in", str(tmp_path), "--ask", "--languages", "ru"]
    result = CliRunner().invoke(cli, args, input="n\ny\nowner/small\n")
    assert result.exit_code == 0, result.output
    asked = ("times of words? [y/N]", "while it is spoken? [y/N]", "OWNER/NAME")
    assert [part for part in asked if part in result.output] == list(asked)
    assert "Its languages" not in result.output
    module = module_of(tmp_path / "mine").read_text(encoding="utf-8")
    assert "govor.Word" not in module
    assert "def advance(" in module
    assert "hf:owner/small@" in module


def test_the_files_of_a_repository_are_listed_as_of_one_commit(hub: Hub, tmp_path: Path) -> None:
    folder = write_package("mine", tmp_path, COMBINATIONS["repository"])
    module = module_of(folder).read_text(encoding="utf-8")
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert f'("hf:owner/small@{commit}/weights.bin",),\n        size=7,\n        sha256="' in module
    assert f'("hf:owner/small@{commit}/lang/words.txt",),\n        size=6,\n    ),' in module
    assert '"a\\"b.bin",' in module, "a name is written as a string of Python"
    assert module.count("govor.ModelFile(") == 3, "a picture and a page are no files of a model"


def test_a_repository_that_cannot_be_listed_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    for repository, said in (("owner/none", "no such repository"), ("nonsense", "OWNER/REPO")):
        args = ["new-backend", "mine", "--in", str(tmp_path), "--repository", repository]
        assert said in str(CliRunner().invoke(cli, args).exception)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("wanted", COMBINATIONS)
def test_what_it_writes_passes_its_tests_and_is_listed(wanted: str, hub: Hub, tmp_path: Path) -> None:
    folder = write_package("tiny-talk", tmp_path, COMBINATIONS[wanted])
    site = tmp_path / "site"
    module = module_of(folder).read_text(encoding="utf-8")
    points = "[govor]\ntiny-talk = govor_tiny_talk\n"
    install_package(site, "govor-tiny-talk", {"govor_tiny_talk.py": module}, points)
    env = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
    for command in (["pytest", "-q", "-p", "no:cacheprovider", "tests"], ["govor", "plugins"]):
        ran = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, env=env, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
    (line,) = [line for line in ran.stdout.splitlines() if "tiny-talk" in line]
    assert "ready" in line


@pytest.mark.slow
def test_what_it_writes_is_typed(hub: Hub, tmp_path: Path) -> None:
    folders = [write_package(name, tmp_path, wanted) for name, wanted in COMBINATIONS.items()]
    sources = [str(path) for folder in folders for path in folder.rglob("*.py")]
    path = os.pathsep.join(str(folder / "src") for folder in folders)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, *sources],
        cwd=tmp_path, env={**os.environ, "MYPYPATH": path}, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
def test_it_can_be_installed_like_any_package(hub: Hub, tmp_path: Path) -> None:
    folder = write_package("tiny-talk", tmp_path, COMBINATIONS["everything"])
    target = tmp_path / "target"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(folder)], check=True, timeout=SECONDS)
    env = {**os.environ, "PYTHONPATH": str(target), "COLUMNS": "200"}
    listed = subprocess.run(
        [sys.executable, "-m", "govor", "plugins"], env=env, capture_output=True, text=True,
        timeout=SECONDS, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert "tiny-talk" in listed.stdout
