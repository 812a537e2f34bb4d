"""Voice detection by Silero VAD, with weights from an installed package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import govor
from govor_silero.catalogue import specs
from govor_silero.settings import Settings

GOVOR_CONTRACT = (1, 0)

__all__ = ["vad"]


class SileroDetection:
    """Silero's network, of one version or another."""

    def __init__(self, settings: Settings):
        self._specs = specs(settings.weights)

    def models(self) -> Sequence[govor.ModelSpec]:
        return self._specs

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.VoiceDetector:
        """Open the network on one core of the CPU. Raises LoadFailed: it is of another kind, or damaged."""
        from govor_silero.detector import SileroDetector  # these import numpy and onnxruntime
        from govor_silero.sessions import open_session

        path = folder / spec.files[0].name
        return SileroDetector(open_session(path, path.read_bytes()))


@govor.hookimpl
def vad(settings: Mapping[str, Any]) -> govor.VoiceDetection:
    return SileroDetection(Settings.model_validate(dict(settings)))
