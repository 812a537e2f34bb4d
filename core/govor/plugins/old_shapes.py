"""Families in the shape that plugins of 0.1 give them, as families of today. Gone in the next version."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from govor.contract.backends import ModelFamily
from govor.contract.models import ModelKind, ModelSpec, RuntimeOptions
from govor.contract.recognizers import RecognizerInfo, VoiceDetector, VoiceStream

log = logging.getLogger(__name__)


def family_of(given: Any, kind: ModelKind, plugin: str) -> ModelFamily[object]:
    """Return what a hook gave, or a family of it if it has the shape of 0.1, with a warning."""
    family: ModelFamily[object]
    if hasattr(given, "models"):
        family = given
        return family
    if kind is ModelKind.DIARIZATION and hasattr(given, "spec"):
        _warn(plugin, "its diarizer has `spec` and no models()")
        return _OldDiarizer(given)
    if kind is ModelKind.VAD and hasattr(given, "stream"):
        _warn(plugin, "its hook `vad` returns a loaded detector")
        return _OldDetection(given, plugin)
    name = type(given).__name__
    raise TypeError(f"its hook returned {name}, which has no models()")


def _warn(plugin: str, what: str) -> None:
    log.warning("DeprecationWarning: the plugin '%s' is written for Govor 0.1: %s", plugin, what)


class _OldDiarizer:
    def __init__(self, diarizer: Any):
        self._diarizer = diarizer

    def models(self) -> Sequence[ModelSpec]:
        spec = self._diarizer.spec
        return [replace(spec, kind=ModelKind.DIARIZATION) if isinstance(spec, ModelSpec) else spec]

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> object:
        loaded: object = self._diarizer.load(spec, folder, runtime)
        return loaded


class _OldDetection:
    """A detector that is loaded already."""

    def __init__(self, detector: Any, plugin: str):
        self._detector = detector
        self._spec = ModelSpec(plugin, kind=ModelKind.VAD)

    def models(self) -> Sequence[ModelSpec]:
        return [self._spec]

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> VoiceDetector:
        return _OldDetector(self._detector)


class _OldDetector:
    def __init__(self, detector: Any):
        self.info = RecognizerInfo(RuntimeOptions("cpu"))
        self.frame: int = detector.frame
        self._detector = detector

    def stream(self) -> VoiceStream:
        stream: VoiceStream = self._detector.stream()
        return stream

    def close(self) -> None:
        """Keep it: the plugin loads it only once."""
