"""Whisper keeps the contract, with the model that comes as a package and real speech."""

from pathlib import Path

from govor.testing import BackendConformance, read_audio

SPEECH = Path(__file__).parents[3] / "tests/data/ru_short.wav"


class TestWhisper(BackendConformance):
    plugin = "whisper"
    models = ("whisper-base",)
    settings = {"workers": 2, "temperature_fallback": False}  # the fallback draws at random

    def speech(self):
        return read_audio(SPEECH)
