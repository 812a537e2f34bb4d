"""A server's answers cannot command the terminal that shows them."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

import govor
from govor.cli import cli, main
from govor.cli.terminal.say import say
from govor.cli.terminal.table import show_table
from govor.plain import escape
from support.clients.receivers import Received, receiving

EVIL = "m\x1b]0;title\x07\r\n\x9b2J\u202e"
CLI = Path(govor.__file__).parent / "cli"


def test_every_line_of_the_command_line_goes_through_one_place() -> None:
    direct = {
        path.name: count
        for path in CLI.rglob("*.py")
        if (count := len(re.findall(r"click\.s?echo\(|\bprint\(", path.read_text())))
    }
    assert direct == {"say.py": 2, "jobs.py": 2}, (
        "and results of jobs: transcripts of many lines, and documents"
    )


def test_a_table_shows_control_characters_and_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("ID", "ERROR"), [(EVIL, EVIL), ("a", "b")])
    heading, evil, plain = capsys.readouterr().out.splitlines()
    assert evil.startswith("m\\x1B]0;title\\x07\\x0D\\x0A\\x9B2J\\u202E\tm\\x1B")
    assert (heading, plain) == ("ID\tERROR", "a\tb")


def test_a_servers_error_and_its_answers_are_shown_harmless(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = {"error": {"message": EVIL}}

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if "jobs" in request.path:
            return 500, {}, json.dumps(body).encode()
        return 200, {}, json.dumps({"id": EVIL, "deleted": True, "freed": 1, "note": EVIL}).encode()

    with receiving(answer) as server:
        for command in (["jobs"], ["rm", EVIL], ["rm", "--json", "a"]):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("sys.argv", ["govor", *command, "--server", server.url])
                with suppress(SystemExit):
                    main()
    told = capsys.readouterr()
    assert "m\\x1B]0;title" in told.err
    assert "is deleted" in told.out
    for text in (told.out, told.err):
        assert escape(text, keep="\n") == text


def test_a_reason_that_a_server_states_is_shown_harmless() -> None:
    ran = CliRunner().invoke(cli, ["jobs", "--server", "http://127.0.0.1:1/\x1b[1m"])
    assert escape(str(ran.output), keep="\n") == ran.output


def test_colours_are_still_shown(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb\t\x1b", fg="red", color=True)
    assert capsys.readouterr().out == "\x1b[31ma\nb\t\\x1B\x1b[0m\n"
