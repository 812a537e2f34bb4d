"""`govor transcribe`: text at the terminal, progress only where somebody watches."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.processes.packages import install_plugin
from support.sound import media

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


def test_speech_becomes_text_on_standard_output(
    shell: Any, samples: Path, transcripts: dict[str, dict[str, str]]
) -> None:
    result = shell.run("transcribe", str(samples / "ru_short.wav"), "--language", "russian")
    assert result.returncode == 0, result.stderr
    assert result.stdout == transcripts["ru_short.wav"]["text"] + "\n"
    assert result.stderr == ""


def test_a_broken_file_is_told_and_the_others_go_on(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "--model", "echo", "ru.wav", "broken.mp3", "en.wav")
    assert result.returncode == 1
    assert result.stdout.count("seconds.\n") == 2
    assert result.stderr.startswith("govor: broken.mp3: ")
    assert result.stderr.count("\n") == 1


def test_what_was_not_heard_is_a_line_of_its_own(shell: Any, tmp_path: Path) -> None:
    whole = media.encode([media.tone(4)], 48_000, "webm", "libopus")
    path = tmp_path / "hole.webm"
    path.write_bytes(media.altered(whole, "webm", lambda n, packet: None if 50 <= n < 100 else bytes(packet)))
    result = shell.run("transcribe", "--model", "echo", str(path))
    assert result.returncode == 0
    assert result.stderr.endswith("1.0 s between 1.0 s and 2.0 s are missing in the file.\n")
    assert result.stderr.count("\n") == 1


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


def test_a_recording_that_cannot_be_read_is_told_in_words(shell: Any, server: Any) -> None:
    with socket.socket(socket.AF_UNIX) as plug:  # what even root cannot open
        plug.bind(str(shell.folder / "ru5.wav"))
    for options in ((), ("--server", server.url)):
        result = shell.run("transcribe", "ru5.wav", "-m", "echo", *options)
        assert result.returncode == 1
        assert "No such device or address" in result.stderr
        assert "Errno" not in result.stderr
        assert result.stderr.count("ru5.wav") == 1


def test_a_missing_file_does_not_stop_the_others(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "nothing.wav", "ru.wav")
    assert (result.returncode, result.stdout.count("seconds.")) == (1, 2)
    assert result.stderr == "govor: nothing.wav: there is no such file.\n"


def test_standard_input_is_heard(started: Callable[..., Any], shell: Any, samples: Path) -> None:
    process = started("transcribe", "-m", "echo", "-")
    heard, errors = process.communicate("this is no recording", timeout=60)
    assert (process.returncode, heard) == (1, "")
    assert errors.startswith("govor: standard input: ")


def test_the_recordings_of_a_folder_are_heard(shell: Any, recordings: Path) -> None:
    (recordings / "talks/deep").mkdir(parents=True)
    (recordings / "talks/.hidden").mkdir()
    for name in ("b.WAV", "deep/a.wav", ".hidden/c.wav", "notes.txt"):
        shutil.copy(recordings / "ru.wav", recordings / "talks" / name)
    assert shell.run("transcribe", "-m", "echo", "talks", "-o", "texts/").returncode == 0
    assert {path.name for path in (recordings / "texts").iterdir()} == {"b.txt", "deep_a.txt"}


def test_the_number_of_threads_reaches_the_model(shell: Any, recordings: Path, stuck: str) -> None:
    install_plugin(
        shell.site,
        "counting",
        stuck.replace("return Stuck()", "raise govor.LoadFailed(f'{runtime.threads} threads')"),
    )
    assert "5 threads" in shell.run("transcribe", "-m", "stuck", "ru.wav", "--threads", "5").stderr


def test_a_track_is_named_by_number_or_language(shell: Any, recordings: Path) -> None:
    short, long = media.tone(1), media.tone(3)
    tags = [{"language": "eng"}, {"language": "rus"}]
    (recordings / "film.mkv").write_bytes(media.tracks_of([short, long], tags=tags))
    command = ("transcribe", "-m", "echo", "--no-vad", "film.mkv")
    texts = [shell.run(*command, *more).stdout for more in ((), ("--track", "1"), ("--track", "russian"))]
    assert texts[0] != texts[1] == texts[2] != ""
    refused = shell.run(*command, "--track", "2")
    assert refused.returncode == 1
    assert "No audio track is '2'; there are: 0 (pcm_s16le, eng), 1 (pcm_s16le, rus)" in refused.stderr
