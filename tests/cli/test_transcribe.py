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
from waiting import eventually

SUFFIXES = {
    "text": "txt",
    "txt": "txt",
    "json": "json",
    "verbose_json": "json",
    "srt": "srt",
    "vtt": "vtt",
    "tsv": "tsv",
}

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
    "ru.wav -o ru.wav --force": "ru.wav is the recording itself and would be overwritten.",
    "ru.wav -o deep/answer.txt": "There is no folder deep; make it first, or see that it is spelled right.",
    "ru.wav en.wav -o deep/texts": "There is no folder deep; make it first, or see that it is spelled right.",
    "ru.wav -f txt,srt": "2 formats need files: say where with --output.",
    "ru.wav --server http://127.0.0.1:9 --threads 2": "A server decides itself on its threads",
    "nothing.wav": "nothing.wav: there is no such file.",
    "again/empty": "again/empty: there is no recording in this folder.",
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
    result = shell.run("transcribe", "ru.wav", "en.wav", "-m", "echo", "-f", response_format, "-o", "all")
    suffix = SUFFIXES[response_format]
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "govor: made the folder all\n")
    assert {path.name for path in (recordings / "all").iterdir()} == {f"ru.{suffix}", f"en.{suffix}"}
    text = (recordings / f"all/ru.{suffix}").read_text()
    if suffix == "json":
        text = json.loads(text)["text"]
    assert text.count("seconds.") == 2


def test_a_broken_file_is_told_and_the_others_go_on(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "--model", "echo", "ru.wav", "broken.mp3", "en.wav")
    assert result.returncode == 1
    assert result.stdout.count("seconds.\n") == 2
    assert result.stderr.startswith("govor: broken.mp3: ")
    assert result.stderr.count("\n") == 1


def test_one_file_is_written_where_it_is_told(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "answer.srt", "-f", "srt")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "-->" in (recordings / "answer.srt").read_text()


def test_a_slash_at_the_end_means_a_folder(shell: Any, recordings: Path) -> None:
    assert shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "texts/").returncode == 0
    assert [path.name for path in (recordings / "texts").iterdir()] == ["ru.txt"]


def test_speakers_are_named_in_text_and_in_json(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    command = ("transcribe", "-m", "echo", "ru.wav")
    result = shell.run(*command, "--diarize", GOVOR_ORDER="aa-two")
    assert (result.returncode, result.stderr) == (0, "")
    first, second = result.stdout.strip().split("\n\n")
    assert (first[:3], second[:3]) == ("A: ", "B: ")
    written = shell.run(*command, "-f", "diarized_json", "-o", "texts/", GOVOR_ORDER="aa-two")
    assert written.returncode == 0, written.stderr
    segments = json.loads((recordings / "texts/ru.json").read_text())["segments"]
    assert [segment["speaker"] for segment in segments] == ["A", "B"]


@pytest.mark.parametrize("command", CANNOT_BE)
def test_what_cannot_be_is_one_line_before_any_work(
    shell: Any, recordings: Path, samples: Path, command: str
) -> None:
    (recordings / "again/empty").mkdir(parents=True)
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
    assert (process.returncode, errors) == (130, "govor: ru.wav: Interrupted.\n")


ENDLESS = """
import threading
import govor

class Endless:
    parallel = 1
    said = 0

    def transcribe(self, batch, options):
        self.said += 1
        if self.said == 2:
            print("heard", flush=True)
            threading.Event().wait()
        return [govor.Segment("Первая фраза.", 0.0, 2.0) for _ in batch]

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("endless")]

    def load(self, spec, folder, placement):
        return Endless()

@govor.hookimpl
def backend(settings):
    return Family()
"""


def test_what_was_heard_before_an_interrupt_is_kept(
    started: Callable[..., Any], shell: Any, recordings: Path
) -> None:
    install_plugin(shell.site, "endless", ENDLESS)
    process = started("transcribe", "-m", "endless", "ru.wav", "-f", "txt,srt,json", "-o", "answer")
    assert process.stdout.readline() == "heard\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert re.fullmatch(
        r"govor: ru\.wav: Interrupted\. The text up to 00:00:0\d of 00:00:14 is in "
        r"answer\.txt, answer\.srt, answer\.json\.\n",
        errors,
    )
    assert (recordings / "answer.txt").read_text() == "Первая фраза.\n"
    assert json.loads((recordings / "answer.json").read_text())["text"] == "Первая фраза."


def test_several_formats_come_from_one_pass(shell: Any, recordings: Path) -> None:
    result = shell.run(
        "transcribe", "-m", "echo", "ru.wav", "-f", "all", "--format", "json", "-o", "texts.txt"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    made = {path.name for path in recordings.glob("texts.*")}
    assert made == {"texts.txt", "texts.srt", "texts.vtt", "texts.tsv", "texts.json", "texts.json.json"}


def test_a_text_that_is_there_is_not_overwritten_without_force(shell: Any, recordings: Path) -> None:
    (recordings / "ru.txt").write_text("by hand, and rather longer than what a model says")
    command = ("transcribe", "-m", "echo", "ru.wav", "en.wav", "-o", ".")
    refused = shell.run(*command)
    assert (refused.returncode, refused.stderr) == (
        1,
        "govor: ru.txt is there already; --force overwrites it.\n",
    )
    assert (recordings / "ru.txt").read_text().startswith("by hand")
    assert "seconds." in (recordings / "en.txt").read_text()
    assert shell.run(*command, "--force").returncode == 0
    assert re.fullmatch(r"[\d. seconds]+\n", (recordings / "ru.txt").read_text())


def test_with_force_a_recording_that_cannot_be_heard_destroys_nothing(shell: Any, recordings: Path) -> None:
    (recordings / "broken.txt").write_text("by hand")
    assert shell.run("transcribe", "-m", "echo", "broken.mp3", "-o", "broken.txt", "--force").returncode == 1
    assert (recordings / "broken.txt").read_text() == "by hand"


def test_a_recording_that_cannot_be_heard_leaves_no_file(shell: Any, recordings: Path) -> None:
    assert shell.run("transcribe", "-m", "echo", "broken.mp3", "-o", "answer.txt").returncode == 1
    assert not (recordings / "answer.txt").exists()


def test_a_missing_file_does_not_stop_the_others(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "nothing.wav", "ru.wav")
    assert (result.returncode, result.stdout.count("seconds.")) == (1, 2)
    assert result.stderr == "govor: nothing.wav: there is no such file.\n"


def test_an_output_that_cannot_be_written_is_told_before_the_work(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "stuck", STUCK)
    (recordings / "answer.txt").mkdir()
    result = shell.run("transcribe", "-m", "stuck", "ru.wav", "-f", "txt,srt", "-o", "answer")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "govor: answer.txt cannot be written: Is a directory.\n"
    assert not (recordings / "answer.srt").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_names_the_output(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "/dev/full")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "govor: /dev/full cannot be written: No space left on device.\n"


def test_several_texts_on_standard_output_have_their_names(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "en.wav")
    assert re.findall("==> (.*) <==", result.stdout) == ["ru.wav", "en.wav"]
    bodies = shell.run("transcribe", "-m", "echo", "ru.wav", "en.wav", "-f", "json").stdout.splitlines()
    assert [next(iter(json.loads(body))) for body in bodies] == ["text", "text"]


def test_standard_input_is_heard(started: Callable[..., Any], shell: Any, samples: Path) -> None:
    process = started("transcribe", "-m", "echo", "-")
    heard, errors = process.communicate("this is no recording", timeout=60)
    assert (process.returncode, heard) == (1, "")
    assert errors.startswith("govor: standard input: ")


def test_an_interrupt_ends_the_wait_for_standard_input(
    started: Callable[..., Any], shell: Any, recordings: Path
) -> None:
    process = started("transcribe", "-m", "echo", "ru.wav", "-")
    assert process.stdout.readline() == "==> ru.wav <==\n"
    assert "seconds" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130


def test_an_interrupt_leaves_nothing_of_standard_input(started: Callable[..., Any], shell: Any) -> None:
    kept = shell.folder / "kept"
    kept.mkdir()
    process = started("transcribe", "-m", "echo", "-", TMPDIR=str(kept))
    assert eventually(lambda: any(kept.glob("govor-*")))
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert list(kept.iterdir()) == []


def test_the_recordings_of_a_folder_are_heard(shell: Any, recordings: Path) -> None:
    (recordings / "talks/deep").mkdir(parents=True)
    (recordings / "talks/.hidden").mkdir()
    for name in ("b.WAV", "deep/a.wav", ".hidden/c.wav", "notes.txt"):
        shutil.copy(recordings / "ru.wav", recordings / "talks" / name)
    assert shell.run("transcribe", "-m", "echo", "talks", "-o", "texts/").returncode == 0
    assert {path.name for path in (recordings / "texts").iterdir()} == {"b.txt", "deep_a.txt"}


def test_the_number_of_threads_reaches_the_model(shell: Any, recordings: Path) -> None:
    install_plugin(
        shell.site,
        "counting",
        STUCK.replace("return Stuck()", "raise govor.LoadFailed(f'{placement.threads} threads')"),
    )
    assert "5 threads" in shell.run("transcribe", "-m", "stuck", "ru.wav", "--threads", "5").stderr


@pytest.fixture
def there(shell: Any, server: Any) -> Callable[..., Any]:
    """Run `govor transcribe` of the shared server, with no model of its own."""
    return lambda *args: shell.run("transcribe", "--server", server.url, *args, GOVOR_DISABLE="whisper,echo")


def test_a_running_server_hears_what_this_process_would(
    shell: Any, recordings: Path, there: Callable[..., Any]
) -> None:
    for place, run in (("here", lambda *args: shell.run("transcribe", *args)), ("there", there)):
        result = run("ru.wav", "-f", "all", "--words", "-o", place)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    for suffix in ("txt", "srt", "vtt", "tsv", "json"):
        here, far = ((recordings / f"{place}.{suffix}").read_text() for place in ("here", "there"))
        assert here == far


def test_a_server_is_told_what_is_wanted(recordings: Path, there: Callable[..., Any]) -> None:
    result = there(
        "-m", "echo", "ru.wav", "--no-vad", "--prompt", "x", "--keyword", "a, b", "-f", "text,json", "-o", "."
    )
    assert (result.returncode, result.stderr) == (
        0,
        "govor: the server's model cannot honour: prompt, keywords\n",
    )
    assert (recordings / "ru.txt").read_text() == "14.0 seconds.\n"
    assert json.loads((recordings / "ru.json").read_text())["usage"]["seconds"] == 15


def test_what_a_server_refuses_names_the_recording(recordings: Path, there: Callable[..., Any]) -> None:
    result = there("broken.mp3", "ru.wav", "-m", "echo")
    assert (result.returncode, result.stdout.count("seconds.")) == (1, 2)
    assert result.stderr.startswith("govor: broken.mp3: ")
    assert result.stderr.count("\n") == 1
    missing = there("ru.wav", "-m", "nonsense")
    assert missing.stderr.startswith("govor: ru.wav: The model 'nonsense' does not exist.")


def test_a_server_that_is_not_there_is_one_line(shell: Any, recordings: Path, free_port: int) -> None:
    result = shell.run("transcribe", "ru.wav", "--server", f"http://127.0.0.1:{free_port}")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("govor: ru.wav: No server answers at ")


def test_the_number_of_speakers_is_told_to_the_diarizer(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    command = ("transcribe", "-m", "echo", "ru.wav", "--speakers", "3")
    told = shell.run(*command, "--diarize", GOVOR_ORDER="aa-two")
    assert (told.returncode, told.stderr) == (0, "govor: 'two' cannot honour: speakers\n")
    counted = "def stream_of(self, known, least, most):\n        print(least, most)\n        return Stream()"
    counting = TWO_VOICES.replace("def close(self):", f"{counted}\n\n    def close(self):")
    assert "--diarize only" in shell.run(*command).stderr
    install_plugin(shell.site, "aa-counting", counting)
    counted = shell.run(*command, "--diarize", GOVOR_ORDER="aa-counting")
    assert (counted.returncode, counted.stderr) == (0, "")
    assert counted.stdout.startswith("3 3\n")
