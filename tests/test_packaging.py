"""Package names and versions agree everywhere, and wheels contain only files that belong there."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import govor
from govor.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
BACKENDS = sorted(path.parent for path in (ROOT / "backends").glob("*/pyproject.toml"))
SOURCES = sorted([*(ROOT / "core/govor").rglob("*.py"), *(ROOT / "backends").glob("*/src/**/*.py")])
TEST_REQUIREMENTS = ROOT / "tests/requirements.txt"
CONSTRAINTS = ROOT / "constraints.txt"
FILE_LINES = 280
FUNCTION_LINES = 65


def relative(path):
    return str(path.relative_to(ROOT))


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lines_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def dependencies(path):
    """Return the requirements in a pyproject.toml or a list of requirements, including optional ones."""
    if path == TEST_REQUIREMENTS:
        lines = lines_of(path)
    else:
        table = project(path.parent)
        optional = chain.from_iterable(table.get("optional-dependencies", {}).values())
        lines = [*table.get("dependencies", []), *optional]
    return [Requirement(line) for line in lines]


def is_ours(requirement):
    return canonicalize_name(requirement.name).split("-")[0] == "govor"


@pytest.fixture(scope="module")
def pins():
    """Return the versions in constraints.txt by name."""
    pairs = [line.split("==") for line in lines_of(CONSTRAINTS)]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def test_there_are_backends_to_look_at():
    assert {"echo", "silero", "whisper"} <= {folder.name for folder in BACKENDS}


@pytest.mark.parametrize("folder", BACKENDS, ids=relative)
def test_one_name_stands_in_all_places(folder):
    name, module = folder.name, "govor_" + folder.name.replace("-", "_")
    table = project(folder)
    assert table["name"] == f"govor-{name}"
    points = dict(table["entry-points"])
    commands = points.pop("govor.commands", {})
    assert points == {"govor": {name: module}}
    assert [value for value in commands.values() if not value.startswith(f"{module}.")] == []
    assert [path.stem for path in (folder / "src").glob("govor_*") if path.suffix != ".egg-info"] == [module]
    written = [folder / "README.md", *(folder / "src").rglob("*.py")]
    tables = {
        found for path in written for found in re.findall(r"\[plugins\.([\w-]+)", path.read_text("utf-8"))
    }
    assert tables <= {name}, "tells of another plugin's table in plugins.toml"


@pytest.mark.parametrize("folder", BACKENDS, ids=relative)
def test_a_backend_is_as_complete_as_one_from_outside(folder):
    assert (folder / "README.md").read_text("utf-8").startswith(f"# govor-{folder.name}\n")
    assert list((folder / "tests").glob("test_*.py")), "has no tests"
    assert not (folder / "tests/__init__.py").exists()
    assert {"description", "readme", "requires-python", "license"} <= project(folder).keys()


def test_every_table_of_plugins_toml_is_of_a_backend_here():
    settings = load_settings(ROOT / "plugins.toml")
    folders = {folder.name for folder in BACKENDS}
    assert {*settings.plugins, *settings.order, *settings.disable, *settings.require} <= folders


def test_plugins_toml_gives_the_same_aliases_as_no_file():
    assert load_settings(ROOT / "plugins.toml").aliases == Settings().aliases


def test_the_guards_of_this_file_have_something_to_look_at(pins):
    assert len(BACKENDS) >= 9
    assert len(SOURCES) >= 260
    assert len(pins) >= 100
    assert sum(len(dependencies(path / "pyproject.toml")) for path in [ROOT, *BACKENDS]) >= 30


def test_constraints_name_no_address():
    text = CONSTRAINTS.read_text(encoding="utf-8")
    assert "://" not in text
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines_of(CONSTRAINTS))


def test_constraints_pin_each_package_once():
    names = [canonicalize_name(line.split("==")[0]) for line in lines_of(CONSTRAINTS)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "path",
    [ROOT / "pyproject.toml", *(folder / "pyproject.toml" for folder in BACKENDS), TEST_REQUIREMENTS],
    ids=relative,
)
def test_every_dependency_is_pinned_to_a_version_it_allows(path, pins):
    for requirement in dependencies(path):
        if is_ours(requirement) or requirement.url:
            continue
        name = canonicalize_name(requirement.name)
        assert name in pins, f"constraints.txt does not pin {name}"
        assert requirement.specifier.contains(pins[name]), f"{requirement} forbids {pins[name]}"


@pytest.mark.parametrize(
    "path", [ROOT / "pyproject.toml", *(folder / "pyproject.toml" for folder in BACKENDS)], ids=relative
)
def test_every_dependency_states_the_lowest_version_that_works(path):
    for requirement in dependencies(path):
        stated = {part.operator for part in requirement.specifier}
        assert stated & {">=", "=="} or requirement.extras, f"{requirement} may be of any age"


def test_every_backend_is_an_extra_of_the_server_and_three_are_the_default():
    extras = project(ROOT)["optional-dependencies"]
    for folder in BACKENDS:
        (asked,) = map(Requirement, extras[folder.name])
        assert asked.name == project(folder)["name"]
        assert asked.specifier.contains(project(folder)["version"])
    (default,) = map(Requirement, extras["default"])
    assert (default.name, default.extras) == ("govor", {"whisper", "silero", "gigaam-onnx"})


def test_no_package_claims_to_run_where_the_server_cannot_start():
    """The server forks processes that decode, locks files with fcntl and obeys POSIX signals."""
    claims = {
        claim
        for folder in [ROOT, *BACKENDS]
        for claim in project(folder).get("classifiers", [])
        if claim.startswith("Operating System")
    }
    assert claims == {"Operating System :: POSIX"}


def test_the_server_says_the_version_of_its_distribution():
    assert project(ROOT)["version"] == govor.__version__


@pytest.mark.parametrize("folder", BACKENDS, ids=relative)
def test_a_backend_asks_for_a_govor_that_is_not_newer_than_this_one(folder):
    asked = [one for one in dependencies(folder / "pyproject.toml") if one.name == "govor"]
    assert asked, "must depend on govor"
    assert asked[0].specifier.contains(govor.__version__)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_files_and_functions_keep_to_a_readable_size(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES, "split it by subject"
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [one.name for one in functions if one.end_lineno - one.lineno >= FUNCTION_LINES]
    assert not long, f"split {long} by subject"


@pytest.mark.skipif(not shutil.which("make"), reason="make is not on this machine")
def test_an_environment_that_could_not_be_made_whole_is_made_anew_the_next_time(tmp_path):
    half = tmp_path / "python"  # as Debian's, without the package with pip
    half.write_text(f'[ "$2" = venv ] || exit 0\n{sys.executable} -m venv --without-pip "$3"\nexit 1\n')
    python = tmp_path / "venv/bin/python"
    command = ["make", f"PYTHON=sh {half}", f"VENV={tmp_path / 'venv'}", str(python)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert (tmp_path / "venv/pyvenv.cfg").is_file()
    assert not os.path.lexists(python)


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", [ROOT, *BACKENDS], ids=lambda folder: folder.name if folder != ROOT else "govor"
)
def test_a_wheel_holds_its_own_package_only(folder, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "core", "src"):
        if (folder / name).is_dir():
            shutil.copytree(
                folder / name, source / name, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
            )
        elif (folder / name).is_file():
            shutil.copy(folder / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, source]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (wheel,) = tmp_path.glob("*.whl")
    package = project(folder)["name"].replace("-", "_")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0].removesuffix(".py") for name in names} == {package}
    written = {
        path.name
        for path in source.rglob("*")
        if path.is_file() and path.suffix in (".py", ".typed", ".toml")
    }
    assert written - {"pyproject.toml"} <= {Path(name).name for name in names}
