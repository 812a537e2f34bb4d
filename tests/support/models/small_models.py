"""Declared models of a few bytes, for a store to install."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from govor.contract.models import ModelFile, ModelSpec
from govor.models.catalogue import Model
from govor.testing import FakeBackend

BYTES = b"weights " * 40_000


class Adopter(FakeBackend):
    """A family that also accepts the operator's models: those whose files end in .bin."""

    def choose_files(self, names: Sequence[str]) -> list[str]:
        if names and all(name.endswith(".pickle") for name in names):
            raise ValueError("it holds pickles only")
        return [name for name in names if name.endswith(".bin")]

    def adopt(self, spec: ModelSpec) -> ModelSpec:
        if spec.languages == ("tlh",):
            raise ValueError("this family does not speak Klingon")
        return replace(spec, languages=spec.languages or ("en",))


def model_of(*files: ModelFile, model_id: str = "small", folder: str = "", plugin: str = "family") -> Model:
    """A declared model of these files."""
    spec = ModelSpec(model_id, files, folder=folder)
    return Model(model_id, plugin, spec, FakeBackend(spec), ())


def file_of(name: str, *sources: str, content: bytes = BYTES) -> ModelFile:
    """A file whose publisher states its size and sha256."""
    return ModelFile(name, sources, len(content), hashlib.sha256(content).hexdigest())


def files_below(folder: Path) -> set[str]:
    """Return the names of all files in a folder, at any depth, except locks."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
