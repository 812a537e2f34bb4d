"""Finds which of Govor's own plugins a model needs, by its name, for advice if that plugin is missing."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

FAMILIES = (
    ("diarizer", r"pyannote|wespeaker|diari"),
    ("transformers", r"voxtral|wav2vec2|hubert|mms-|-torch$|moonshine-(base|tiny)-torch"),
    ("moonshine", r"moonshine"),
    ("gigaam-torch", r"gigaam-torch/|gigaam-v1"),
    ("gigaam-onnx", r"gigaam|^v[23]_|e2e_"),
    ("whisper", r"whisper|^(tiny|base|small|medium|large|turbo)\b"),
    ("echo", r"^echo$"),
)
"""Names of plugins with a pattern of their models' names; the first that matches counts."""


def missing_plugin(name: str) -> str:
    """Return advice to install the plugin of a model; "" if it is installed, or unknown."""
    for plugin, pattern in FAMILIES:
        if re.search(pattern, name, re.IGNORECASE):
            return "" if _is_here(f"govor-{plugin}") else _advice(name, plugin)
    return ""


def _advice(name: str, plugin: str) -> str:
    return (
        f"'{name}' looks like a model of the plugin '{plugin}', which is not installed: "
        f"`pip install govor-{plugin}`, or `pip install ./backends/{plugin}` in a clone of Govor, adds it."
    )


def _is_here(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
