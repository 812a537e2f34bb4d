"""Moonshine for Govor: a small English model whose weights are in a package that this one depends on.

Light to import: `recognizer` imports onnxruntime when the model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import govor
from govor_moonshine.catalogue import TINY

GOVOR_CONTRACT = (1, 0)


class Moonshine:
    """The family of one model. Its files are data of the distribution `moonshine-voice`, never imported."""

    def models(self) -> Sequence[govor.ModelSpec]:
        return (TINY,)

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Recognizer:
        """Load the model. Raises LoadFailed: no such device or precision, a file of another model."""
        from govor_moonshine.recognizer import load_recognizer  # imports onnxruntime

        return load_recognizer(folder, runtime)


@govor.hookimpl
def backend(settings: Mapping[str, Any]) -> govor.Backend:
    if settings:
        raise ValueError(f"[plugins.moonshine] has no keys, so none is called '{next(iter(settings))}'")
    return Moonshine()
