"""The directory of plugins says of each what its package and its models say themselves."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from govor.plugins import GROUP, Plugin, Plugins
from govor.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGES = {path.parent.name: path for path in (ROOT / "backends").glob("*/pyproject.toml")}


class Row(NamedTuple):
    """A row of the table."""

    plugin: str
    adds: str
    models: str
    code: str
    licences: str
    speed: str
    keeper: str


@pytest.fixture
def rows(pages: dict[str, Any]) -> dict[str, Row]:
    """The rows by plugin."""
    found = [
        Row(*cells) for cells in pages["docs/reference/plugins.md"].rows() if len(cells) == len(Row._fields)
    ]
    return {row.plugin.strip("`"): row for row in found if row.plugin.startswith("`")}


def test_every_plugin_of_this_repository_is_listed(rows: dict[str, Row]) -> None:
    assert len(PACKAGES) >= 9
    assert {name for name, row in rows.items() if row.keeper == "Govor"} == set(PACKAGES)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_row_says_what_the_package_says(rows: dict[str, Row], name: str) -> None:
    project = tomllib.loads(PACKAGES[name].read_text(encoding="utf-8"))["project"]
    assert rows[name].code == project["license"]
    if not entry_points(group=GROUP, name=name):
        pytest.skip(f"govor-{name} is not installed")
    (plugin,) = Plugins(Settings(), entry_points(group=GROUP, name=name))
    specs = models_of(plugin)
    assert rows[name].models == str(len(specs))
    assert rows[name].licences == (", ".join(sorted({spec.licence for spec in specs} - {""})) or "none")


def models_of(plugin: Plugin) -> list[Any]:
    return [*plugin.models, *(spec for spec, _ in plugin.others)]


def test_a_speed_is_one_that_was_measured(rows: dict[str, Row], pages: dict[str, Any]) -> None:
    speeds = [row.speed for row in rows.values() if row.speed]
    assert len(speeds) >= 2
    measured = {cell for cells in pages["docs/explanation/performance.md"].rows() for cell in cells}
    assert {speed.split()[0] for speed in speeds} <= measured
