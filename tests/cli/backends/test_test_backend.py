"""`govor test-backend` runs the suite on an installed plugin, and measures a recording."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from govor.testing import hum, silence
from support.processes.packages import install_plugin
from support.sound import media

LIAR = """
import govor

GOVOR_CONTRACT = (1, 0)

class Liar:
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        return [[self.word(len(audio) / govor.SAMPLE_RATE)] for audio in batch]

    def word(self, seconds):
        return govor.Segment("word", 0.0, seconds, (govor.Word("word", 0.0, 0.01),))

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("liar", features=frozenset({govor.Feature.WORDS}))]

    def load(self, spec, folder, runtime):
        return Liar()

@govor.hookimpl
def backend(settings):
    return Family()
"""


def test_a_good_backend_passes_and_its_recording_is_measured(shell: Any, samples: Any) -> None:
    tried = shell.run("test-backend", "echo", str(samples / "ru_short.wav"))
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert re.search(r"^\d\d passed", tried.stdout, re.MULTILINE)
    assert "echo: ru_short.wav\n  text    2.7 seconds.\n  speed   RTF 0." in tried.stdout
    assert re.search(r"^  memory  \d+ MB", tried.stdout, re.MULTILINE)
    assert "\n  words   none\n" in tried.stdout


def test_a_backend_without_a_recording_is_tried_by_the_suite_alone(shell: Any) -> None:
    tried = shell.run("test-backend", "echo", "--model", "echo")
    assert (tried.returncode, "speed" in tried.stdout) == (0, False), tried.stdout + tried.stderr


def test_a_model_that_stops_all_other_threads_is_told(shell: Any) -> None:
    holding = 'ctypes.PyDLL(None).usleep(900_000); return [[govor.Segment("word")] for audio in batch]'
    text = LIAR.replace("import govor", "import ctypes\nimport govor", 1)
    text = text.replace("return [[self.word(len(audio) / govor.SAMPLE_RATE)] for audio in batch]", holding)
    install_plugin(shell.site, "liar", text.replace("features=frozenset({govor.Feature.WORDS})", ""))
    (shell.folder / "tone.wav").write_bytes(media.wav(hum(1)))
    tried = shell.run("test-backend", "liar", "tone.wav", "--no-vad")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert re.search(r"^  others  stood still for (0\.[89]|1\.\d) s", tried.stdout, re.MULTILINE)


def test_words_beside_the_sound_fail(shell: Any) -> None:
    install_plugin(shell.site, "liar", LIAR)
    path = shell.folder / "word.wav"
    path.write_bytes(media.wav(np.concatenate([silence(1.0), hum(1.0), silence(1.0)])))
    tried = shell.run("test-backend", "liar", str(path))
    assert tried.returncode == 1, tried.stdout
    assert "  words   1, 0% of them on sound\n" in tried.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nothing",), "govor: No plugin 'nothing' is installed. There are "),
        (("silero",), "govor: The plugin 'silero' gives no backend: it has no hook `backend`.\n"),
        (("echo", "--model", "loud"), "govor: The model 'loud' does not exist. Available: echo"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(shell: Any, args: tuple[str, ...], said: str) -> None:
    tried = shell.run("test-backend", *args)
    assert (tried.returncode, tried.stdout) == (1, "")
    assert tried.stderr.startswith(said)


def test_a_recording_that_is_none_fails(shell: Any) -> None:
    (shell.folder / "broken.wav").write_text("hello " * 1000)
    tried = shell.run("test-backend", "echo", "broken.wav")
    assert tried.returncode == 1


def test_a_recording_without_text_fails_and_the_detector_is_named_as_a_cause(shell: Any) -> None:
    path = shell.folder / "still.wav"
    path.write_bytes(media.wav(silence(2.0)))
    tried = shell.run("test-backend", "echo", str(path))
    assert (tried.returncode, "  text    (none)\n" in tried.stdout) == (1, True)
    assert "compare with --no-vad" in tried.stderr
    tried = shell.run("test-backend", "echo", str(path), "--no-vad")
    assert (tried.returncode, "  text    2.0 seconds.\n" in tried.stdout) == (0, True), tried.stdout
