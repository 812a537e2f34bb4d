"""Moonshine keeps the contract, with the weights that come as a package and real speech."""

from pathlib import Path
from typing import ClassVar

from govor.testing import BackendConformance, read_audio

SPEECH = Path(__file__).parents[3] / "tests/data/en.wav"


class TestMoonshine(BackendConformance):
    plugin = "moonshine"
    models: ClassVar = ("moonshine-tiny-en",)

    def speech(self):
        return read_audio(SPEECH)
