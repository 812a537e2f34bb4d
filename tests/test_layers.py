"""Imports go one way: a module imports only modules of lower layers."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import govor
from govor.testing import HEAVY

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core/govor"
LAYERS = (
    "telemetry plain names errors decoder unawaited",
    "contract config_file contract.machine",
    "contract.texts",
    "contract.hooks",
    "events decoder.samples formats settings outbound",
    "decoder.containers formats.subtitles plugins connections",
    "decoder.process formats.rendering models",
    "audio.decoding formats.dialects models.download",
    "audio",
    "models.files engine.alignment",
    "models.selection engine.admission engine.workers",
    "engine.scheduling",
    "engine.model_pool engine.sources engine.streaming",
    "engine.speakers engine.text",
    "engine.transcription",
    "engine",
    "requests",
    "jobs.storage observe api.response",
    "jobs api.body testing",
    "api.http",
    "api.status api.request",
    "api.audio api.models",
    "api.dialects",
    "api.openapi",
    "app",
    "cli.terminal",
    "cli.client cli.serve",
    "cli.backends cli.models cli.transcribe",
    "cli",
    "__main__",
)
"""Rooms of the core, from the bottom up: folders, and modules beside them. Rooms of one layer do not import
each other.
"""

MOST_MODULES = 12
"""Modules in a folder, `__init__` with them."""

RANKS = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms.split()}
ONLY_IN = {
    "quart": {"api", "app"},
    "quart_schema": {"api", "app"},
    "hypercorn": {"cli", "connections"},
    "h11": {"connections"},
    "h2": {"connections"},
    "opentelemetry": {"observe"},
    "prometheus_client": {"observe"},
    "pytest": {"testing"},
}
FILES = [path for top in ("core", "backends", "tests") for path in (ROOT / top).rglob("*.py")]
FACADE = {"contract", "errors", "telemetry"}
"""Rooms that `import govor` imports."""

SHARED_WITH_TERMINAL = {"api.models.bodies"}
"""Modules of `api` that the terminal imports: bodies that it prints as the routes answer them."""

PLUGIN_SOURCES = sorted((ROOT / "backends").glob("*/src/**/*.py"))
PLUGIN_TESTS = sorted((ROOT / "backends").glob("*/tests/**/*.py"))


def relative(path):
    return str(path.relative_to(ROOT))


def imports(path):
    """Dotted names of all modules a file imports, at any depth, `from govor import x` resolved."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: imports are absolute"
            names += [_resolve(node.module, alias.name) for alias in node.names]
    return names


def _resolve(module, name):
    """Return govor.NAME if that is a module, and names from the facade as govor:NAME."""
    if module != "govor":
        inner = CORE.joinpath(*module.split(".")[1:], name)
        is_module = module.startswith("govor.") and (inner.is_dir() or inner.with_suffix(".py").is_file())
        return f"{module}.{name}" if is_module else module
    return f"govor.{name}" if (CORE / name).is_dir() or (CORE / f"{name}.py").is_file() else f"govor:{name}"


def room(path):
    """Return the folder of a module, or the module itself if it has none; `__main__` is above all."""
    return "__main__" if path.stem == "__main__" else _room_of(path.relative_to(CORE).with_suffix("").parts)


def top(path):
    """Return the folder, or module, of the core itself that a module is in."""
    return path.relative_to(CORE).with_suffix("").parts[0]


def _room_of(parts):
    folder = parts if CORE.joinpath(*parts).is_dir() else parts[:-1]
    return ".".join(folder) or parts[-1]


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=relative)
def test_a_core_module_imports_only_what_lies_below_it(path):
    own = room(path)
    for name in imports(path):
        package, *inner = name.split(".")
        if package != "govor" or not inner or _room_of(inner) == own:
            continue
        if own == "__init__":
            assert inner[0] in FACADE, f"the public package must stay light: {name}"
        else:
            below = _room_of(inner)
            assert RANKS[below] < RANKS[own], f"{own} lies below or beside {below}: {name}"


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=relative)
def test_a_core_module_takes_nothing_from_the_facade_but_the_version(path):
    facade = [name for name in imports(path) if name == "govor" or name.startswith("govor:")]
    assert set(facade) <= {"govor:__version__"}, "import from the module that defines it"


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=relative)
def test_libraries_stay_in_their_rooms(path):
    for name in imports(path):
        library = name.split(".")[0]
        assert library not in HEAVY, f"{library} belongs into a plugin"
        assert top(path) in ONLY_IN.get(library, {top(path)}), f"{library} is for {ONLY_IN[library]} only"


def test_the_terminal_takes_only_bodies_from_http_and_only_serve_the_web_framework():
    taken = {
        (name.removeprefix("govor."), relative(path))
        for path in (CORE / "cli").rglob("*.py")
        for name in imports(path)
        if name.startswith(("govor.api", "govor.app", "govor.connections", "hypercorn"))
    }
    assert {name for name, path in taken if "/serve/" not in path} == SHARED_WITH_TERMINAL
    assert {name for name, path in taken if "/serve/" in path} >= {"app", "hypercorn.config"}
    loaded = modules_after("".join(f"import govor.{name};" for name in SHARED_WITH_TERMINAL))
    assert not loaded & {"quart", "quart_schema", "flask", "werkzeug", "hypercorn"}


def test_the_guards_of_this_file_have_something_to_look_at():
    assert len(list(CORE.rglob("*.py"))) >= 200
    assert len(FILES) >= 500
    assert len(PLUGIN_SOURCES) >= 60
    assert len(PLUGIN_TESTS) >= 40
    assert len({path.parts[-4] for path in PLUGIN_SOURCES}) >= 9
    assert len(HEAVY) >= 5
    assert len(govor.__all__) >= 30


def test_types_and_errors_import_numpy_and_the_standard_library_only():
    libraries = {
        name.split(".")[0]
        for path in CORE.rglob("*.py")
        if top(path) in ("contract", "errors") and path.parent.name != "hooks"
        for name in imports(path)
    }
    assert libraries - set(sys.stdlib_module_names) <= {"numpy", "govor"}


def test_a_decoder_process_imports_pyav_and_the_standard_library_only():
    libraries = {name.split(".")[0] for path in (CORE / "decoder").rglob("*.py") for name in imports(path)}
    assert libraries - set(sys.stdlib_module_names) == {"av", "govor"}
    loaded = modules_after("import govor.decoder.process.server")
    assert not loaded & {"numpy", "pluggy", "govor.contract.recognizers", "govor.errors"}


def test_pyav_is_imported_by_decoder_processes_only():
    users = {
        top(path) for path in CORE.rglob("*.py") if "av" in {name.split(".")[0] for name in imports(path)}
    }
    assert users == {"decoder"}
    loaded = modules_after("import govor.cli.serve.command")
    assert "av" not in loaded


def test_every_room_of_the_core_has_its_layer():
    rooms = {room(path) for path in CORE.rglob("*.py") if path.read_text().count("\n") > 1} - {
        "__init__",
        "api",
    }
    assert rooms == set(RANKS)


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES}), ids=relative)
def test_a_folder_holds_what_one_can_look_over(folder):
    assert len(list(folder.glob("*.py"))) <= MOST_MODULES


@pytest.mark.parametrize("path", [*PLUGIN_SOURCES, *PLUGIN_TESTS], ids=relative)
def test_a_plugin_imports_only_the_public_package_and_itself(path):
    own = "govor_" + path.relative_to(ROOT / "backends").parts[0].replace("-", "_")
    allowed = {"govor", own} | ({"govor.testing"} if path in PLUGIN_TESTS else set())
    for name in imports(path):
        package = name.split(".")[0]
        if package.startswith("govor_"):
            assert package == own, f"{package} is another plugin"
        elif name.startswith("govor:"):
            assert name.removeprefix("govor:") in govor.__all__, f"{name} is not in govor.__all__"
        elif package == "govor":
            assert name in allowed, f"{name} is not public; take what you need from `govor`"


@pytest.mark.parametrize("path", PLUGIN_SOURCES, ids=relative)
def test_plugins_use_only_public_names_of_govor(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "govor"
    }
    assert used <= set(govor.__all__)


def test_public_names_exist_and_are_listed_once():
    assert [name for name in govor.__all__ if not hasattr(govor, name)] == []
    assert len(set(govor.__all__)) == len(govor.__all__)


def modules_after(code):
    """Names in sys.modules of a fresh interpreter that has run `code`."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def test_the_public_package_is_light():
    loaded = modules_after("import govor")
    assert not loaded & (HEAVY | {"quart", "hypercorn", "pydantic", "av"})


def test_importing_every_plugin_brings_in_neither_a_heavy_library_nor_a_web_framework():
    loaded = modules_after(
        "from importlib.metadata import entry_points\nfor point in entry_points(group='govor'): point.load()"
    )
    assert not loaded & (HEAVY | {"quart", "hypercorn"})
