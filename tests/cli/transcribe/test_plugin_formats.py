"""`govor transcribe` with formats of plugins: texts, bytes, and a plugin that fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.processes.packages import install_plugin
from support.processes.terminal import run_on_terminal

OFFICE = """
import govor

def note(transcript, shown):
    return f"{shown.title}: {len(shown.paragraphs)} paragraphs"

def broken(transcript, shown):
    raise RuntimeError("no ink")

@govor.hookimpl
def formats(settings):
    return [
        govor.ResponseFormat("note", "text/plain", ".note", note),
        govor.ResponseFormat("bin", "application/zip", ".bin", lambda transcript, shown: b"\\x00\\xff"),
        govor.ResponseFormat("broken", "text/plain", ".broken", broken),
    ]
"""
CHATTY = """
import govor

print("imported")

class Chatty:
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        print("at work")
        return [[govor.Segment("Well.")] for _ in batch]

    def close(self):
        print("closed")

    def models(self):
        return [govor.ModelSpec("chatty")]

    def load(self, spec, folder, runtime):
        print("loaded")
        return self

@govor.hookimpl
def backend(settings):
    print("asked")
    return Chatty()
"""
FAILED = (
    "govor: The plugin 'office' could not write the format 'broken': RuntimeError: no ink. "
    "The transcript is whole: ask for another format."
)


@pytest.fixture
def office(shell: Any, recordings: Path) -> Any:
    """A shell with the plugin, and recordings in its folder."""
    install_plugin(shell.site, "office", OFFICE)
    return shell


def test_files_have_the_suffixes_of_their_formats(office: Any) -> None:
    result = office.run("transcribe", "ru.wav", "-m", "echo", "-f", "note,bin,txt", "-o", "texts/")
    assert (result.returncode, result.stderr) == (0, "govor: made the folder texts\n")
    found = {path.name: path.read_bytes() for path in (office.folder / "texts").iterdir()}
    assert found.keys() == {"ru.note", "ru.bin", "ru.txt"}
    assert found["ru.note"].startswith(b"ru: ")
    assert found["ru.bin"] == b"\x00\xff"


def test_a_text_goes_to_standard_output_and_so_do_bytes_if_it_is_no_terminal(office: Any) -> None:
    assert office.run("transcribe", "ru.wav", "-m", "echo", "-f", "note").stdout.startswith("ru: ")
    command = [sys.executable, "-m", "govor", "transcribe", "ru.wav", "-m", "echo", "-f", "bin"]
    ran = subprocess.run(command, cwd=office.folder, env=office.env, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"\x00\xff")


def test_bytes_need_a_file_on_a_terminal_and_for_several_recordings(office: Any) -> None:
    command = [sys.executable, "-m", "govor", "transcribe", "ru.wav", "-m", "echo", "-f", "bin"]
    code, shown = run_on_terminal(command, env=office.env, cwd=office.folder, output=True)
    assert code == 1
    assert "bin needs a file: say where with --output." in shown
    result = office.run("transcribe", "ru.wav", "en.wav", "-m", "echo", "-f", "bin")
    assert (result.returncode, result.stderr) == (1, "govor: bin needs a file: say where with --output.\n")


def test_the_other_formats_are_written_if_one_fails(office: Any) -> None:
    result = office.run("transcribe", "ru.wav", "-m", "echo", "-f", "broken,txt", "-o", "texts/")
    assert result.returncode == 1
    assert FAILED in result.stderr
    assert [path.name for path in (office.folder / "texts").iterdir()] == ["ru.txt"]


def test_the_text_is_printed_if_no_format_is_written(office: Any) -> None:
    result = office.run("transcribe", "ru.wav", "-m", "echo", "-f", "broken", "-o", "ru.broken")
    assert result.returncode == 1
    assert FAILED in result.stderr
    assert "seconds." in result.stdout
    assert not (office.folder / "ru.broken").exists()


def test_the_help_and_the_error_name_them(office: Any) -> None:
    words = " ".join(office.run("transcribe", "--help").stdout.split())
    assert "note, bin, broken, all;" in words
    wrong = office.run("transcribe", "ru.wav", "-f", "pdf")
    assert wrong.returncode == 2
    assert "note, bin, broken, all." in " ".join(wrong.stderr.split())


def test_what_a_plugin_prints_is_no_part_of_the_text(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "chatty", CHATTY)
    result = shell.run("transcribe", "ru.wav", "-m", "chatty", "-f", "json")
    assert set(json.loads(result.stdout)["text"].split()) == {"Well."}
    assert {"imported", "asked", "loaded", "at work"} <= set(result.stderr.split("\n"))
