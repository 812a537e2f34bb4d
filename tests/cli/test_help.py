"""Output before anything runs: help, versions, and errors of the command line."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from govor import __version__
from govor.cli.terminal.options import GROUPS, TABLES, default_text
from govor.settings import Settings

SECRET = "sk-entirely-secret"


def words(text: str) -> str:
    """A help text without its line breaks."""
    return re.sub(r"\s+", " ", re.sub(r"(?<=\w-)\n\s+", "", text))


@pytest.fixture(scope="module")
def serve_help(shared_shell: Any) -> str:
    """Return the output of `govor serve --help` if a key is set."""
    result = shared_shell.run("serve", "--help", GOVOR_API_KEYS=SECRET)
    assert (result.returncode, result.stderr) == (0, "")
    return words(result.stdout)


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name not in TABLES])
def test_serve_help_tells_every_setting_with_its_variable_and_default(serve_help: str, name: str) -> None:
    setting = Settings.model_fields[name]
    assert f"--{name.replace('_', '-')} " in serve_help
    assert words(str(setting.description)) in serve_help
    if name not in ("models_dir", "data_dir"):  # below the home folder of the user
        assert f"[env: GOVOR_{name.upper()}; default: {default_text(setting)}]" in serve_help


def test_serve_help_tells_a_file_from_a_folder(serve_help: str) -> None:
    assert "--api-keys-file FILE " in serve_help
    assert "--models-dir FOLDER " in serve_help


@pytest.mark.parametrize("name", ["download", "file_urls", "log_level", "metrics", "webhook_urls"])
def test_serve_help_tells_every_word_that_a_choice_takes(name: str) -> None:
    setting = Settings.model_fields[name]
    assert [word for word in get_args(setting.annotation) if word not in str(setting.description)] == []
    assert get_args(setting.annotation)


def test_serve_help_lists_its_options_in_groups_and_its_choices(serve_help: str) -> None:
    titles = [serve_help.index(f"{title}: ") for title in (*GROUPS, "Further options")]
    assert titles == sorted(titles)
    assert "--log-level [debug|info|warning|error] " in serve_help
    assert "--metrics [off|main|separate] " in serve_help


def test_every_option_of_serve_has_a_group() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert len(grouped) >= 50
    assert len(grouped) == len(set(grouped))
    assert {name for name in Settings.model_fields if name not in TABLES} <= set(grouped)


def test_serve_help_does_not_tell_the_keys(serve_help: str) -> None:
    assert SECRET not in serve_help


def test_the_help_of_govor_lists_its_commands(shared_shell: Any) -> None:
    result = shared_shell.run("--help")
    assert result.returncode == 0
    listed = dict(re.findall(r"^  (\w+)  +(\S.*)$", result.stdout, re.MULTILINE))
    assert listed.keys() >= {"models", "plugins", "serve", "transcribe"}
    assert not [text for text in listed.values() if text.endswith("...")]  # cut short by click


HELP = {
    "transcribe": ["--model", "--format", "--language", "--output", "srt", "exit code"],
    "models": ["--all", "pull"],
    "models pull": ["MODEL", "--offline"],
    "pull": ["MODEL", "--download", "--server", "--json", "continues it"],
    "rm": ["MODEL", "--force", "--server"],
    "verify": ["MODEL", "damaged"],
    "prune": ["--dry-run", "unfinished downloads"],
    "du": ["SHARED", "PARTIAL"],
    "plugins": ["failed with the reason"],
}


@pytest.mark.parametrize("command", HELP)
def test_the_help_of_a_command_tells_how_it_is_used(shared_shell: Any, command: str) -> None:
    result = shared_shell.run(*command.split(), "-h")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Usage: govor {command} ")
    assert not [text for text in HELP[command] if text not in words(result.stdout)]


def test_python_runs_it_as_a_module(started: Any) -> None:
    assert started("--version").communicate() == (f"govor, version {__version__}\n", "")


def test_the_version_is_told(shared_shell: Any) -> None:
    result = shared_shell.run("--version")
    assert (result.returncode, result.stdout) == (0, f"govor, version {__version__}\n")


WRONG_LINES = {
    "serve --prot 9000": "No such option '--prot'.",
    "listen": "No such command 'listen'.",
    "transcibe a.wav": "No such command 'transcibe'; did you mean 'transcribe'?",
    "transcribe": "Missing argument 'FILES…'.",
    "transcribe a.wav --format pdf": "'pdf' is no format; choose from txt, srt, vtt, tsv,",
}
WRONG_SETTINGS = {
    "serve --port abc": "--port: must be a whole number",
    "serve --log-level loud": "--log-level: must be 'debug', 'info'",
    "--config absent.toml serve": "There is no file absent.toml.",
    "serve --require absent": "Plugin 'absent' is required but not ready: not installed",
}


@pytest.mark.parametrize("command", WRONG_LINES)
def test_a_wrong_command_line_ends_with_2(shared_shell: Any, command: str) -> None:
    result = shared_shell.run(*command.split())
    assert (result.returncode, result.stdout) == (2, "")
    assert WRONG_LINES[command] in result.stderr
    assert "Try 'govor" in result.stderr


@pytest.mark.parametrize("command", WRONG_SETTINGS)
def test_a_wrong_setting_is_one_line_and_ends_with_1(shared_shell: Any, command: str) -> None:
    result = shared_shell.run(*command.split())
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"govor: {WRONG_SETTINGS[command]}")
    assert result.stderr.count("\n") == 1
