"""Voice detection by Silero VAD, with weights from an installed package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import govor
from govor_silero.detector import SileroDetector
from govor_silero.sessions import open_session
from govor_silero.settings import Settings
from govor_silero.weights import find_weights, read_weights

GOVOR_CONTRACT = (1, 0)

__all__ = ["vad"]


@govor.hookimpl
def vad(settings: Mapping[str, Any]) -> govor.VoiceDetector:
    weights = find_weights(Settings.model_validate(dict(settings)).weights)
    return SileroDetector(open_session(weights, read_weights(weights)))
