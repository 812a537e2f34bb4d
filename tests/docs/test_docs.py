"""The documentation agrees with the code: hooks, settings, routes, errors, files, links."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel, TypeAdapter

from govor.api.http.errors import CODES
from govor.api.request.fields import Fields, ServerVad
from govor.app import create_app
from govor.cli import cli
from govor.cli.terminal.options import TABLES, default_text
from govor.contract import hooks as hookspecs
from govor.contract.models import Feature
from govor.engine.service import Service
from govor.errors import GovorError
from govor.settings import Settings, load_settings
from govor.settings.compat import Compat
from govor.settings.subtitles import Subtitles

Pages = dict[str, Any]

ABSENT = "none"  # written where there is no flag or no default


def hooks() -> dict[str, Any]:
    """Every hook by name."""
    found = inspect.getmembers(hookspecs, inspect.isfunction)
    return {name: function for name, function in found if hasattr(function, "govor_spec")}


def written_signature(function: Any) -> str:
    """The signature as the source has it, on one line."""
    definition = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(definition, ast.FunctionDef)
    returns = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
    return f"{definition.name}({ast.unparse(definition.args)}){returns}"


def squeeze(text: str) -> str:
    """One space wherever there is any white space."""
    return " ".join(text.split())


def errors(tree: type[GovorError] = GovorError) -> Iterator[type[GovorError]]:
    """The class and all below it."""
    yield tree
    for child in tree.__subclasses__():
        if child.__module__.startswith("govor.errors."):
            yield from errors(child)


def reference(pages: Pages) -> dict[str, Any]:
    """The pages of the HTTP API."""
    found = {name: page for name, page in pages.items() if name.startswith("docs/reference/api/")}
    assert len(found) >= 12
    return found


@pytest.fixture
def default_settings(monkeypatch: pytest.MonkeyPatch) -> type[Settings]:
    """Settings as on a machine that moves no folder."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return Settings


def test_every_hook_has_a_heading_with_its_signature(pages: Pages) -> None:
    headings = [heading for heading in pages["docs/reference/hooks.md"].headings() if heading.startswith("`")]
    assert len(headings) >= 4
    assert headings == [f"`{written_signature(function)}`" for function in hooks().values()]


def test_every_hook_is_described_in_the_words_of_its_docstring(pages: Pages) -> None:
    page = squeeze(pages["docs/reference/hooks.md"].prose)
    assert len(hooks()) >= 4
    assert [name for name, function in hooks().items() if squeeze(function.__doc__) not in page] == []


def test_every_setting_is_in_the_table(pages: Pages, default_settings: type[Settings]) -> None:
    rows = {row[0]: row[1:] for row in pages["docs/reference/configuration.md"].rows() if len(row) == 5}
    assert len(rows) >= 60
    for name, field in default_settings.model_fields.items():
        variable, flag, default, meaning = rows.pop(f"`{name}`")
        assert variable == f"`GOVOR_{name.upper()}`"
        assert meaning == field.description
        if name in TABLES:
            assert flag == ABSENT
            continue
        dashed = name.replace("_", "-")
        assert flag == (f"`--{dashed}`, `--no-{dashed}`" if field.annotation is bool else f"`--{dashed}`")
        expected = default_text(field)
        assert default == (expected if expected == ABSENT else f"`{expected}`")
    assert list(rows) == ["Setting"], "the table has rows for settings that are gone"


@pytest.mark.parametrize("table", [Compat, Subtitles])
def test_every_key_of_compat_and_subtitles_is_in_its_table(pages: Pages, table: type[BaseModel]) -> None:
    rows = {row[0]: row[1:] for row in pages["docs/reference/configuration.md"].rows() if len(row) == 3}
    for name, field in table.model_fields.items():
        default, meaning = rows[f"`{name}`"]
        assert meaning == field.description
        assert TypeAdapter(field.annotation).validate_python(default.strip("`")) == field.default


def test_every_setting_is_in_the_help_of_serve(default_settings: type[Settings]) -> None:
    assert len(default_settings.model_fields) >= 60
    shown = subprocess.run(
        [sys.executable, "-m", "govor", "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    shown = re.sub(r"\s", "", shown)  # the help is wrapped, also within names
    for name, field in default_settings.model_fields.items():
        if name not in TABLES:
            wanted = f"{field.description} [env: GOVOR_{name.upper()}; default: {default_text(field)}]"
            assert f"--{name.replace('_', '-')}" in shown
            assert re.sub(r"\s", "", wanted) in shown


def test_the_tables_of_plugins_name_all_their_keys(pages: Pages) -> None:
    classes = {
        "whisper": "WhisperSettings", "silero": "Settings",
        "diarizer": "DiarizerSettings", "wyoming": "WyomingSettings",
    }  # fmt: skip
    tables = {
        name: getattr(importlib.import_module(f"govor_{name}.settings"), settings).model_fields
        for name, settings in classes.items()
        if importlib.util.find_spec(f"govor_{name}")
    }
    assert len(tables) >= 2
    rows = {row[0]: row[1] for row in pages["docs/reference/configuration.md"].rows() if len(row) == 3}
    for name, fields in tables.items():
        assert rows[f"`[plugins.{name}]`"] == ", ".join(f"`{key}`" for key in fields)


def test_every_piece_of_configuration_is_valid(pages: Pages, tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    pieces = [code for page in pages.values() for code in page.marked("toml", "")]
    assert len(pieces) >= 20
    for code in pieces:
        file.write_text(code, encoding="utf-8")
        load_settings(file)


@pytest.mark.parametrize("plugin", ["gigaam-torch", "gigaam-onnx"])
def test_the_tables_of_fine_tuned_models_are_as_the_plugin_takes_them(plugin: str, pages: Pages) -> None:
    module = f"govor_{plugin.replace('-', '_')}.settings"
    settings = pytest.importorskip(module, reason=f"govor-{plugin} is not installed")
    blocks = [tomllib.loads(code) for code in pages["docs/guides/fine-tuned-models.md"].marked("toml", "")]
    tables = [block["plugins"][plugin] for block in blocks if plugin in block["plugins"]]
    assert tables
    assert [model.id for table in tables for model in settings.read_settings(table).models]


def test_every_route_is_in_the_reference(pages: Pages) -> None:
    prose = "".join(page.prose for page in reference(pages).values())
    app = create_app(Service(Settings()))
    rules = list(app.url_map.iter_rules())
    assert len(rules) >= 40
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert f"{method} {path}" in prose


def test_every_field_of_a_request_is_in_the_reference(pages: Pages) -> None:
    cells = [row[0] for page in reference(pages).values() for row in page.rows()]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(Fields.model_fields) >= 25
    assert set(Fields.model_fields) | {"file"} <= named
    assert set(ServerVad.model_fields) <= named
    assert {feature.value for feature in Feature} <= named


def test_every_command_and_every_option_of_transcribe_is_in_the_reference(pages: Pages) -> None:
    page = pages["docs/reference/terminal.md"]
    commands = cli.list_commands(click.Context(cli))
    assert len(commands) >= 16
    assert [name for name in commands if f"`govor {name}`" not in page.prose] == []
    transcribe = cli.get_command(click.Context(cli), "transcribe")
    assert transcribe is not None
    options = [option for option in transcribe.params if isinstance(option, click.Option)]
    assert len(options) >= 25
    written = set(re.findall(r"--[a-z-]+", page.prose))
    assert [option.opts for option in options if not written.intersection(option.opts)] == []


def test_every_error_code_is_in_the_reference_with_its_status(pages: Pages) -> None:
    rows = {row[0]: row[1] for row in pages["docs/reference/api/errors.md"].rows() if len(row) == 3}
    classes = list(errors())
    assert len(classes) >= 40
    wanted = {error.code: error.status for error in classes}
    assert len(wanted) >= 30
    wanted |= {code: status for status, code in CODES.items()}
    assert {code: rows.get(f"`{code}`") for code in wanted} == {
        code: str(status) for code, status in wanted.items()
    }


@pytest.mark.parametrize(
    ("language", "file", "between"),
    [("toml", "pyproject.toml", "\n"), ("python", "src/govor_echo.py", "\n\n")],
)
def test_the_tutorial_writes_the_example_backend(
    language: str, file: str, between: str, pages: Pages, root: Path
) -> None:
    pieces = pages["docs/tutorials/write-a-backend.md"].marked(language, Path(file).name)
    assert between.join(pieces) == (root / "backends/echo" / file).read_text(encoding="utf-8")


def test_links_lead_somewhere(pages: Pages, root: Path) -> None:
    broken = []
    assert len(pages) >= 40
    by_path = {page.path.resolve(): page for page in pages.values()}
    for name, page in pages.items():
        for link in page.links():
            if "://" in link:
                continue
            target, _, anchor = link.partition("#")
            path = (page.path.parent / target).resolve() if target else page.path.resolve()
            if not path.exists() or (anchor and anchor not in by_path[path].anchors()):
                broken.append(f"{name}: {link}")
    assert broken == []


def test_the_index_lists_every_page_once_by_its_title_with_a_line(pages: Pages) -> None:
    index = pages["docs/index.md"]
    lines = re.findall(r"^ *- \[(.+?)\]\((.+?)\): .+\.$", index.prose, re.MULTILINE)
    listed = {f"docs/{path}": title for title, path in lines}
    assert len(lines) == len(listed) >= 30
    changelog = {"docs/index.md", "docs/changelog.md"}
    assert listed == {
        name: page.headings()[0]
        for name, page in pages.items()
        if name.startswith("docs/") and name not in changelog
    }
    assert "changelog.md" in index.links()


def test_each_kind_of_page_has_a_folder_and_a_heading_of_the_index(pages: Pages) -> None:
    kinds = [heading.lower() for heading in pages["docs/index.md"].headings()[1:]]
    folders = {name.split("/")[1] for name in pages if name.count("/") > 1 and name.startswith("docs/")}
    assert kinds == ["tutorials", "guides", "reference", "explanation"]
    assert folders == set(kinds)


def test_the_readme_leads_to_the_index_and_to_every_page_beside_it(pages: Pages) -> None:
    linked = {link.partition("#")[0] for link in pages["README.md"].links()}
    beside = {name for name in pages if "/" not in name} - {"README.md"}
    assert {"docs/index.md", *beside} <= linked


def test_nothing_is_left_to_be_written(pages: Pages) -> None:
    assert [name for name, page in pages.items() if re.search(r"\b(TODO|FIXME|TBD|XXX)\b", page.text)] == []
