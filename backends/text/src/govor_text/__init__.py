"""Inverse text normalisation: numbers, times, money and ordinals in digits, in Russian and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import govor
from govor_text.family import InverseNormalisation

GOVOR_CONTRACT = (1, 0)


@govor.hookimpl
def text(settings: Mapping[str, Any]) -> govor.TextProcessing:
    """Return the family. Raises ValueError if there are settings: there is nothing to set."""
    if settings:
        raise ValueError(f"[plugins.text] has no keys, but '{next(iter(settings))}' is set")
    return InverseNormalisation()
