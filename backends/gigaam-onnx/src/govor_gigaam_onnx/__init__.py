"""The GigaAM family for Govor on onnxruntime, without torch.

Light to import: `recognizer` imports the libraries when the first model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import govor
from govor_gigaam_onnx.files.catalogue import adopted, specs
from govor_gigaam_onnx.files.naming import chosen_files
from govor_gigaam_onnx.settings import GigaamSettings, read_settings

GOVOR_CONTRACT = (1, 0)


class GigaamOnnx:
    """The public ONNX exports of GigaAM, and the operator's own."""

    def __init__(self, settings: GigaamSettings):
        self._settings = settings
        self._specs = specs(settings.models)

    def models(self) -> Sequence[govor.ModelSpec]:
        return self._specs

    def choose_files(self, names: Sequence[str]) -> Sequence[str]:
        return chosen_files(names)

    def adopt(self, spec: govor.ModelSpec) -> govor.ModelSpec:
        return adopted(spec)

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Recognizer:
        """Load an export. Raises LoadFailed: no such device or precision, a file absent or damaged."""
        from govor_gigaam_onnx.recognizer import load_recognizer  # imports onnx and onnxruntime

        return load_recognizer(spec, folder, runtime, self._settings)


@govor.hookimpl
def backend(settings: Mapping[str, Any]) -> govor.Backend:
    return GigaamOnnx(read_settings(settings))
