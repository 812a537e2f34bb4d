"""`govor` prints its own output at once: it imports no command for it."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from govor.cli import CORE, cli

HEAVY = ("quart", "hypercorn", "av", "prometheus_client", "govor.app", "govor.engine", "govor.api")
SECONDS = 0.25
"""CPU time of `govor --version`; it takes 0.12 s on a slow core, of which Python takes 0.02."""


@pytest.mark.parametrize("name", CORE)
def test_every_command_of_the_core_is_where_its_line_of_help_says(name: str) -> None:
    command = cli.get_command(cli.make_context("govor", [], resilient_parsing=True), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200) == CORE[name].short_help


def test_how_many_commands_there_are() -> None:
    assert len(CORE) == 16


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_no_web_framework_is_imported_for_it(option: str) -> None:
    code = (
        "import sys; from govor.cli import cli; cli([sys.argv[1]], standalone_mode=False);"
        f"print(' '.join(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, check=False)
    assert (ran.stderr.strip(), ran.returncode) == ("", 0)


def test_the_version_takes_a_quarter_of_a_second_of_cpu_at_most() -> None:
    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "govor", "--version"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(spent() for _ in range(5)) < SECONDS
