"""The Whisper family for Govor, run by faster-whisper (CTranslate2).

Light to import: `recognizer` imports the libraries when the first model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import govor
from govor_whisper.files.catalogue import adopted, chosen_files, specs
from govor_whisper.settings import WhisperSettings, read_settings

GOVOR_CONTRACT = (1, 0)


class Whisper:
    """The Whisper models with a CTranslate2 conversion; the files of base come with this package."""

    def __init__(self, settings: WhisperSettings):
        self._settings = settings

    def models(self) -> Sequence[govor.ModelSpec]:
        return specs(self._settings.max_stretch_seconds)

    def choose_files(self, names: Sequence[str]) -> Sequence[str]:
        return chosen_files(names)

    def adopt(self, spec: govor.ModelSpec) -> govor.ModelSpec:
        return adopted(spec, self._settings.max_stretch_seconds)

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Recognizer:
        """Load a converted model. Raises LoadFailed: no such device or precision, a file is missing."""
        from govor_whisper.recognizer import load_recognizer  # imports faster-whisper

        return load_recognizer(spec, folder, runtime, self._settings)


@govor.hookimpl
def backend(settings: Mapping[str, Any]) -> govor.Backend:
    return Whisper(read_settings(settings))
