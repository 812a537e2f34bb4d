"""Silero's network, loaded from the package that holds it, as the core loads it from its own folder."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest

from govor import RuntimeOptions, VoiceDetector


def load_silero() -> VoiceDetector:
    """Return the detector of the default install; skip the test if it is not installed."""
    family = pytest.importorskip("govor_silero").vad({})
    spec = family.models()[0]
    package, _, path = spec.files[0].sources[0].removeprefix("package:").partition("/")
    folder = Path(str(distribution(package).locate_file(path))).parent
    detector: VoiceDetector = family.load(spec, folder, RuntimeOptions("cpu"))
    return detector
