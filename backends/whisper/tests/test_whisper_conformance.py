"""Whisper keeps the contract, with the model that comes as a package and real speech."""

from pathlib import Path
from typing import ClassVar

from govor.testing import BackendConformance, read_audio

SPEECH = Path(__file__).parents[3] / "tests/data/ru_short.wav"


class TestWhisper(BackendConformance):
    plugin = "whisper"
    models = ("whisper-base",)
    settings: ClassVar = {"workers": 2, "cpu_threads": 2, "temperature_fallback": False}

    def speech(self):
        return read_audio(SPEECH)
