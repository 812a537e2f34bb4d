"""`govor transcribe` when it is interrupted, or nobody reads any more: what was heard is kept."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.processes.packages import install_plugin
from support.waiting import eventually

ENDLESS = """
import os
import threading
import govor

class Endless:
    info = govor.RecognizerInfo()
    said = 0

    def transcribe(self, batch, options):
        self.said += 1
        if self.said == 2:
            os.write(1, b"heard\\n")  # prints go to standard error
            threading.Event().wait()
        return [[govor.Segment("Первая фраза.", 0.0, 2.0)] for _ in batch]

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("endless")]

    def load(self, spec, folder, runtime):
        return Endless()

@govor.hookimpl
def backend(settings):
    return Family()
"""


def test_a_reader_who_leaves_ends_it_quietly(
    started: Callable[..., Any], shell: Any, recordings: Path
) -> None:
    process = started("transcribe", "-m", "echo", *["ru.wav"] * 3)
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1


def test_an_interrupt_ends_it_at_once_although_a_model_is_at_work(
    started: Callable[..., Any], shell: Any, recordings: Path, stuck: str
) -> None:
    install_plugin(shell.site, "stuck", stuck)
    process = started("transcribe", "-m", "stuck", "ru.wav")
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "govor: ru.wav: Interrupted.\n")


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
