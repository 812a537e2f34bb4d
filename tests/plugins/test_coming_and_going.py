"""Each plugin of this repository can be installed and removed without effect on the others' models."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import pytest

INSTALLED = sorted(point.name for point in entry_points(group="govor"))

# An interpreter that finds only some of the distributions, as if no others were installed.
ASK = """
import importlib.metadata, json, sys, tempfile
here = set(json.loads(sys.argv[1]))
every = importlib.metadata.entry_points
importlib.metadata.entry_points = lambda **of: [one for one in every(**of) if one.name in here]
from govor.engine.service import Service
from govor.settings import Settings
with tempfile.TemporaryDirectory() as folder:
    service = Service(Settings(models_dir=folder, data_dir=folder, offline=True))
    default = service.router.default()
    print(json.dumps({
        "plugins": {one.name: [one.state, one.reason, list(one.hooks)] for one in service.plugins},
        "models": {one.qualified: [one.id, *one.aliases] for one in service.catalogue},
        "usable": [one.qualified for one in service.router.usable()],
        "default": default and default.qualified,
    }))
"""


@pytest.fixture(scope="module")
def outcome() -> Callable[..., Any]:
    """Return a server's state if only these plugins are installed."""

    @cache
    def ask(*names: str) -> Any:
        command = [sys.executable, "-c", ASK, json.dumps(names)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return ask


def of(models: dict[str, Any], *plugins: str) -> dict[str, Any]:
    return {name: names for name, names in models.items() if name.split("/")[0] in plugins}


def test_the_core_alone_starts_and_has_no_model(outcome: Any) -> None:
    assert outcome() == {"plugins": {}, "models": {}, "usable": [], "default": None}


@pytest.mark.parametrize("name", INSTALLED)
def test_a_plugin_alone_is_as_it_is_among_all(outcome: Any, name: str) -> None:
    alone, everything = outcome(name), outcome(*INSTALLED)
    assert alone["plugins"] == {name: everything["plugins"][name]}
    assert alone["plugins"][name][:2] == ["ready", ""]
    assert set(alone["models"]) == set(of(everything["models"], name))
    assert alone["usable"] == [one for one in everything["usable"] if one.split("/")[0] == name]


@pytest.mark.slow
@pytest.mark.parametrize("name", INSTALLED)
def test_a_plugin_that_goes_takes_only_its_own_models(outcome: Any, name: str) -> None:
    others = tuple(other for other in INSTALLED if other != name)
    rest, everything = outcome(*others), outcome(*INSTALLED)
    assert rest["plugins"] == {other: everything["plugins"][other] for other in others}
    assert set(rest["models"]) == set(of(everything["models"], *others))
    assert rest["usable"] == [one for one in everything["usable"] if one.split("/")[0] != name]
    stays = (everything["default"] or "").split("/")[0] != name
    assert rest["default"] == (everything["default"] if stays else None)
