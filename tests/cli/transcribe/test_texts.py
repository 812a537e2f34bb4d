"""`govor transcribe --itn`: models for texts at the terminal, here and on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.processes.packages import install_plugin

LOUD = """
from dataclasses import replace

import govor

class Loud:
    info = govor.RecognizerInfo()

    def process(self, segments, options):
        return [replace(segment, text=segment.text.upper()) for segment in segments]

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("loud", kind=govor.ModelKind.TEXT, features=frozenset({govor.Feature.ITN}))]

    def load(self, spec, folder, runtime):
        return Loud()

@govor.hookimpl
def text(settings):
    return Family()
"""


def test_a_model_for_texts_is_used_if_it_is_asked_for(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "loud", LOUD)
    command = ("transcribe", "-m", "echo", "ru.wav")
    order = {"GOVOR_ORDER": "loud"}
    assert "seconds." in shell.run(*command, **order).stdout
    result = shell.run(*command, "--itn", **order)
    assert (result.returncode, result.stderr) == (0, "")
    assert "SECONDS." in result.stdout


def test_an_option_that_no_model_can_do_is_named(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "--punctuation")
    assert (result.returncode, result.stderr) == (0, "govor: 'echo' cannot honour: punctuation\n")


def test_the_plugin_that_is_missing_is_named(shell: Any, recordings: Path) -> None:
    result = shell.run("transcribe", "-m", "echo", "ru.wav", "--itn", GOVOR_DISABLE="text")
    said = "govor: 'echo' cannot honour: itn (the plugin 'text' adds it)\n"
    assert (result.returncode, result.stderr.endswith(said)) == (0, True), result.stderr


def test_a_server_is_asked_for_it(shell: Any, recordings: Path, server: Any) -> None:
    command = ("transcribe", "--server", server.url, "-m", "echo", "ru.wav", "--punctuation", "--itn")
    result = shell.run(*command)
    assert "the server's model cannot honour: punctuation" in result.stderr
    assert "seconds." in result.stdout
