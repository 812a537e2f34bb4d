"""`govor transcribe`: text at the terminal or in files, progress only where somebody watches."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packages import install_plugin

SUFFIXES = {"text": "txt", "json": "json", "verbose_json": "json", "srt": "srt", "vtt": "vtt"}

STUCK = """
import threading
import govor

class Stuck:
    parallel = 1

    def transcribe(self, batch, options):
        print("begun", flush=True)
        threading.Event().wait()

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("stuck")]

    def load(self, spec, folder, placement):
        return Stuck()

@govor.hookimpl
def backend(settings):
    return Family()
"""


TWO_VOICES = """
import govor

class Stream:
    def feed(self, audio):
        pass

    def finish(self):
        return [govor.SpeakerTurn(0.0, 6.0, 0), govor.SpeakerTurn(6.0, 60.0, 1)]

class Voices:
    parallel = 1

    def voiceprint(self, audio):
        return None

    def stream(self, known=()):
        return Stream()

    def close(self):
        pass

class Two:
    spec = govor.ModelSpec("two")

    def load(self, spec, folder, placement):
        return Voices()

@govor.hookimpl
def diarizer(settings):
    return Two()
"""

CANNOT_BE = {
    "ru.wav again/ru.wav -o texts": "2 of the files are named 'ru' and would overwrite each other's output.",
    "ru.wav -o ru.wav": "ru.wav is the recording itself and would be overwritten.",
    "ru.wav en.wav -o broken.mp3": "The folder broken.mp3 cannot be made: File exists.",
    "ru.wav -m nonsense": "The model 'nonsense' does not exist. Available: ",
    "ru.wav -m whisper-tiny": "The model 'whisper-tiny' is known but not installed. Fetch it with",
    "ru.wav -m echo --translate": "The model 'echo' cannot translate.",
    "ru.wav -m echo --diarize -f json": "Speakers show in all formats but json.",
}


@pytest.fixture
def recordings(shell: Any, samples: Path) -> Path:
    """The shell's folder with two recordings, and a text that calls itself one."""
    for name in ("ru.wav", "en.wav"):
        shutil.copy(samples / name, shell.folder / name)
    (shell.folder / "broken.mp3").write_text("hello " * 1000)
    return Path(shell.folder)


def test_speech_becomes_text_on_standard_output(
    shell: Any, samples: Path, transcripts: dict[str, dict[str, str]]
) -> None:
    result = shell.run("transcribe", str(samples / "ru_short.wav"), "--language", "russian")
    assert result.returncode == 0, result.stderr
    assert result.stdout == transcripts["ru_short.wav"]["text"] + "\n"
    assert result.stderr == ""


@pytest.mark.parametrize("response_format", SUFFIXES)
def test_several_files_go_to_a_folder_in_every_format(
    shell: Any, recordings: Path, response_format: str
) -> None:
    result = shell.run("transcribe", "ru.wav", "en.wav", "-m", "echo", "-f", response_format, "-o", "new/all")
    suffix = SUFFIXES[response_format]
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert {path.name for path in (recordings / "new/all").iterdir()} == {f"ru.{suffix}", f"en.{suffix}"}
    text = (recordings / f"new/all/ru.{suffix}").read_text()
    if suffix == "json":
        text = json.loads(text)["text"]
    assert text.count("seconds.") == 2


def test_a_broken_file_is_told_and_the_others_go_on(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "--model", "echo", "ru.wav", "broken.mp3", "en.wav")
    assert result.returncode == 1
    assert result.stdout.count("\n") == 2
    assert result.stderr.startswith("govor: broken.mp3: ")
    assert result.stderr.count("\n") == 1


def test_one_file_is_written_where_it_is_told(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "deep/answer.txt")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (recordings / "deep/answer.txt").read_text().count("seconds.") == 2


def test_a_slash_at_the_end_means_a_folder(shell: Any, recordings: Path) -> None:
    assert shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "texts/").returncode == 0
    assert [path.name for path in (recordings / "texts").iterdir()] == ["ru.txt"]


def test_speakers_are_named_in_text_and_in_json(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    command = ("transcribe", "-m", "echo", "ru.wav")
    result = shell.run(*command, "--diarize", GOVOR_ORDER="aa-two")
    assert (result.returncode, result.stderr) == (0, "")
    first, second = result.stdout.splitlines()
    assert (first[:3], second[:3]) == ("A: ", "B: ")
    written = shell.run(*command, "-f", "diarized_json", "-o", "texts/", GOVOR_ORDER="aa-two")
    assert written.returncode == 0, written.stderr
    segments = json.loads((recordings / "texts/ru.json").read_text())["segments"]
    assert [segment["speaker"] for segment in segments] == ["A", "B"]


@pytest.mark.parametrize("command", CANNOT_BE)
def test_what_cannot_be_is_one_line_before_any_work(
    shell: Any, recordings: Path, samples: Path, command: str
) -> None:
    (recordings / "again").mkdir()
    shutil.copy(samples / "en.wav", recordings / "again/ru.wav")
    result = shell.run("transcribe", *command.split())
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"govor: {CANNOT_BE[command]}")
    assert result.stderr.count("\n") == 1
    assert (recordings / "ru.wav").read_bytes() == (samples / "ru.wav").read_bytes()
    assert not (recordings / "texts").exists()


def test_an_unknown_language_is_a_wrong_command_line(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "ru.wav", "--language", "klingon")
    assert result.returncode == 2
    assert "klingon" in result.stderr


def test_what_a_model_cannot_do_is_told(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "--words", "-f", "verbose_json")
    assert result.returncode == 0
    assert result.stderr == "govor: 'echo' cannot honour: words\n"


def test_progress_shows_on_a_terminal(shell: Any, recordings: Path) -> None:
    code, shown = shell.show("transcribe", "-m", "echo", "ru.wav", "broken.mp3")
    assert code == 1
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "Loading echo" in plain
    assert re.search(r"ru\.wav ━+", plain)
    assert plain.rstrip().splitlines()[-1].strip().startswith("govor: broken.mp3: ")
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")  # the cursor is back


def test_the_progress_says_that_speakers_come_first(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    _, shown = shell.show("transcribe", "-m", "echo", "ru.wav", "--diarize", GOVOR_ORDER="aa-two")
    assert "ru.wav: telling speakers apart" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_a_reader_who_leaves_ends_it_quietly(
    started: Callable[..., Any], shell: Any, recordings: Path
) -> None:
    process = started("transcribe", "-m", "echo", *["ru.wav"] * 3)
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1


def test_an_interrupt_ends_it_at_once_although_a_model_is_at_work(
    started: Callable[..., Any], shell: Any, recordings: Path
) -> None:
    install_plugin(shell.site, "stuck", STUCK)
    process = started("transcribe", "-m", "stuck", "ru.wav")
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")
