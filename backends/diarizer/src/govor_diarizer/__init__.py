"""Speaker diarization for Govor, without torch: pyannote's segmentation and WeSpeaker's voice embeddings.

Light to import: `voices` imports onnxruntime when the first recording is diarized.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import govor
from govor_diarizer.catalogue import SPEC
from govor_diarizer.settings import DiarizerSettings, read_settings

GOVOR_CONTRACT = (1, 0)


class VoiceDiarizer:
    """The plugin's only model, made of two networks."""

    def __init__(self, settings: DiarizerSettings):
        self._settings = settings

    def models(self) -> Sequence[govor.ModelSpec]:
        return [SPEC]

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Voices:
        """Load both networks. Raises LoadFailed: no such device or precision, or a file is damaged."""
        from govor_diarizer.voices import load_voices  # imports onnxruntime

        return load_voices(folder, runtime, self._settings)


@govor.hookimpl
def diarizer(settings: Mapping[str, Any]) -> govor.Diarizer:
    return VoiceDiarizer(read_settings(settings))
