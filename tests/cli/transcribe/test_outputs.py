"""Texts that `govor transcribe` writes: each where it is wanted, none lost to another."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from govor.cli.transcribe.outputs import NotWritten, Outputs, Style
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Transcript
from govor.formats.subtitles.layout import Layout
from support.processes.packages import install_plugin

SUFFIXES = {
    "text": "txt",
    "txt": "txt",
    "json": "json",
    "verbose_json": "json",
    "srt": "srt",
    "vtt": "vtt",
    "tsv": "tsv",
}

STYLE = Style(Options(), words=False, times=False, layout=Layout())


def test_a_text_that_has_come_since_the_names_were_chosen_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ru.txt"
    path.write_text("by hand")
    with pytest.raises(NotWritten, match=r"ru\.txt is there already; --force overwrites it\."):
        Outputs([("txt", path)], STYLE, sys.stdout, force=False)
    assert path.read_text() == "by hand"


def test_with_force_a_text_that_is_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ru.txt"
    path.write_text("by hand, and rather longer")
    with Outputs([("txt", path)], STYLE, sys.stdout, force=True) as outputs:
        outputs.add(Segment("Раз.", 0.0, 1.0))
        outputs.end(Transcript("Раз.", (Segment("Раз.", 0.0, 1.0),), 1.0, "ru", "transcribe", "fake"))
    assert path.read_text() == "Раз.\n"


def test_two_recordings_with_one_name_for_their_texts_are_refused(shell: Any) -> None:
    for name in ("a.wav", "a.verbose_json.wav"):
        (shell.folder / name).touch()
    result = shell.run("transcribe", "a.wav", "a.verbose_json.wav", "-f", "json,verbose_json", "-o", "to")
    assert (result.returncode, result.stderr) == (
        1,
        "govor: to/a.verbose_json.json would be a text of both a.wav and a.verbose_json.wav; "
        "write them to two folders.\n",
    )
    assert not (shell.folder / "to").exists()


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


def test_one_file_is_written_where_it_is_told(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "answer.srt", "-f", "srt")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "-->" in (recordings / "answer.srt").read_text()


def test_a_slash_at_the_end_means_a_folder(shell: Any, recordings: Path) -> None:
    assert shell.run("transcribe", "-m", "echo", "ru.wav", "-o", "texts/").returncode == 0
    assert [path.name for path in (recordings / "texts").iterdir()] == ["ru.txt"]


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


def test_an_output_that_cannot_be_written_is_told_before_the_work(
    shell: Any, recordings: Path, stuck: str
) -> None:
    install_plugin(shell.site, "stuck", stuck)
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
