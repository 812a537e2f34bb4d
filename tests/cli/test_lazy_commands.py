"""`govor` prints its own output at once: it imports no command for it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import Any

import pytest

from govor.cli import CORE, cli

PLUGINS = ("numpy", "pydantic", "govor.settings", "govor.plugins")
HEAVY = (*PLUGINS, "quart", "hypercorn", "av", "prometheus_client", "govor.app", "govor.engine", "govor.api")
WEB = ("quart", "quart_schema", "flask", "werkzeug", "hypercorn", "govor.app", "govor.connections")
NOWHERE = "http://127.0.0.1:9"
COMMANDS = (
    *(
        "--help",
        "transcribe --help",
        "jobs --help",
        "jobs submit --help",
        "models pull --help",
        "load --help",
    ),
    *("models", "models --all --json", "plugins", "plugins --json", "du", "prune --dry-run", "prune"),
    *(
        "verify",
        "verify absent",
        "rm absent",
        "pull absent",
        "hash absent.bin",
        "new-backend mine",
        "test-backend absent",
    ),
    *(f"ps --server {NOWHERE}", f"load x --server {NOWHERE}", f"unload x --server {NOWHERE}"),
    *(f"reload x --server {NOWHERE}", f"jobs --server {NOWHERE}", f"pull x --server {NOWHERE}"),
    *("transcribe en.wav --model absent", f"transcribe en.wav --server {NOWHERE}"),
)
"""Command lines of all commands but `serve`; nothing answers at port 9."""

SECONDS = {"--version": 0.25, "--help": 0.4}
"""Most CPU time; on a slow core they take 0.12 and 0.19 s, of which Python takes 0.02."""


@pytest.mark.parametrize("name", CORE)
def test_every_command_of_the_core_is_where_its_line_of_help_says(name: str) -> None:
    command = cli.get_command(cli.make_context("govor", [], resilient_parsing=True), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200) == CORE[name].short_help


def test_how_many_commands_there_are() -> None:
    assert len(CORE) == 17


@pytest.mark.parametrize("option", SECONDS)
def test_neither_a_web_framework_nor_a_plugin_is_imported_for_it(option: str) -> None:
    code = (
        "import sys; from govor.cli import cli; cli([sys.argv[1]], standalone_mode=False);"
        f"print(' '.join(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, check=False)
    assert (ran.stderr.strip(), ran.returncode) == ("", 0)


@pytest.mark.parametrize("option", SECONDS)
def test_it_takes_little_cpu_time(option: str) -> None:
    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "govor", option], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(spent() for _ in range(5)) < SECONDS[option]


def test_no_command_but_serve_imports_a_web_framework(shell: Any, recordings: Any) -> None:
    code = f"""
import json, sys
from govor.cli import main
found = {{}}
for line in json.loads(sys.argv[1]):
    sys.argv = ["govor", *line.split()]
    try:
        main()
    except SystemExit:
        pass
    found[line] = [name for name in {WEB} if name in sys.modules]
print(json.dumps(found))
"""
    assert len(COMMANDS) == 28
    assert {line.split()[0] for line in COMMANDS} - {"--help"} == set(CORE) - {"serve"}
    ran = subprocess.run(
        [sys.executable, "-c", code, json.dumps(COMMANDS)],
        env=shell.env,
        cwd=shell.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == {line: [] for line in COMMANDS}
    assert "No server answers" in ran.stderr
