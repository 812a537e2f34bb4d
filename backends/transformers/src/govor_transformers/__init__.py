"""Speech models of the Hugging Face hub for Govor, run by the library transformers in torch.

Light to import: `loading` imports both when the first model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import govor
from govor_transformers.files.catalogue import adopted, specs
from govor_transformers.files.repository import chosen_files
from govor_transformers.settings import TransformersSettings, read_settings

GOVOR_CONTRACT = (1, 0)


class Transformers:
    """Some models known by name, those of the operator's table, and those pulled from the hub."""

    def __init__(self, settings: TransformersSettings):
        self._settings = settings
        self._tables = {table.id: table for table in settings.models}
        self._specs = specs(settings.models)

    def models(self) -> Sequence[govor.ModelSpec]:
        return self._specs

    def choose_files(self, names: Sequence[str]) -> Sequence[str]:
        return chosen_files(names)

    def adopt(self, spec: govor.ModelSpec) -> govor.ModelSpec:
        return adopted(spec)

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Recognizer:
        """Load safetensors. Raises LoadFailed: no such device or precision, an unknown architecture, code
        that is not allowed, a file damaged or missing.
        """
        from govor_transformers.loading import load_recognizer  # imports transformers and torch

        return load_recognizer(spec, folder, runtime, self._settings, self._tables.get(spec.id))


@govor.hookimpl
def backend(settings: Mapping[str, Any]) -> govor.Backend:
    return Transformers(read_settings(settings))
