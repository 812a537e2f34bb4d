"""`govor load`, `unload`, `reload` and `ps` against a running server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from govor.cli import cli
from govor.cli.client.memory import HEADINGS
from govor.settings import Settings
from govor.testing import plugins_of
from support.memories import Family, Memory


@pytest.fixture
def family() -> Family:
    return Family(Memory(), sizes={"a": 100, "owner/b": 60})


@pytest.fixture
def govor(serve: Callable[..., Any], family: Family) -> Callable[..., Result]:
    """Run a command against a server of the family."""
    server = serve(plugins_of(Settings(), family=family), preload=(), memory_budget=200_000_000)
    server.service.pool.probe.read = lambda: family.memory.bytes

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--server", server.url])

    return run


def test_models_are_loaded_shown_and_unloaded(govor: Callable[..., Result]) -> None:
    loaded = govor("load", "a", "owner/b", "--ttl", "600", "--precision", "int8")
    assert loaded.output.splitlines() == [
        "a is in memory: 100 MB, auto, int8",
        "owner/b is in memory: 60 MB, auto, int8",
    ]
    lines = govor("ps").output.splitlines()
    assert [word for word in HEADINGS if word not in lines[0]] == []
    # while it was loaded, another thread may have taken some memory
    assert re.match(r"a\s+loaded\s+100 MB\s+(-|0 MB)\s+auto\s+int8\s", lines[1])
    assert lines[1].split()[-1] == "family"
    assert "10 min" in lines[1]
    assert lines[-1].startswith("Models: 160 MB of 200 MB. Server: ")
    assert govor("unload", "a").output == "a is not in memory now\n"
    assert [line.split()[0] for line in govor("ps").output.splitlines()] == ["ID", "owner/b", "Models:"]


def test_json_is_what_the_server_answers(govor: Callable[..., Result]) -> None:
    assert json.loads(govor("load", "a", "--pin", "--json").output)["status"] == "loaded"
    assert json.loads(govor("ps", "--json").output)["data"][0]["pinned"] is True
    assert json.loads(govor("unload", "a", "--json").output)["status"] == "installed"


def test_a_reload_takes_other_settings(govor: Callable[..., Result], family: Family) -> None:
    govor("load", "owner/b")
    assert govor("reload", "owner/b", "--threads", "2", "--workers", "3").exit_code == 0
    assert [(wish.threads, wish.workers) for _, _, wish in family.loads] == [(0, 0), (2, 3)]


def test_what_the_server_refuses_is_the_commands_error(govor: Callable[..., Result]) -> None:
    for words in (("load", "nonsense"), ("unload", "nonsense"), ("reload", "nonsense")):
        result = govor(*words)
        assert result.exit_code == 1
        assert "The model 'nonsense' does not exist" in str(result.exception)
    assert "ttl" in str(govor("load", "a", "--ttl", "-5").exception)
