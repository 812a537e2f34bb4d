"""Find the files of a model in a folder of the public exports, or of `govor export`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import govor
from govor_gigaam_onnx.features import V2, V3, Framing
from govor_gigaam_onnx.files.naming import PREFERENCE, PREPARED


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model. With a decoder and a joint it is an RNN-T, without them CTC."""

    encoder: Path
    """A CTC model's file contains the head too."""
    decoder: Path | None
    joint: Path | None
    vocabulary: Path
    framing: Framing
    """Framing of the encoder's features."""


def find_files(folder: Path, names: Collection[str] = ()) -> ModelFiles:
    """Return the files of the one model in a folder. Raises LoadFailed: none, or more than one.

    If `names` are given, other files in the folder do not count: they may be of another precision.
    """
    found = [path for path in sorted(folder.glob("*.onnx")) if PREPARED not in path.name]
    graphs = [path for path in found if not names or path.name in names]
    parts = {
        part: [path for path in graphs if f"_{part}." in path.name]
        for part in ("encoder", "decoder", "joint")
    }
    if any(parts.values()):
        encoder, decoder, joint = (_one(folder, f"*_{part}.onnx", paths) for part, paths in parts.items())
    else:
        encoder, decoder, joint = _one(folder, "*.onnx", graphs), None, None
    vocabulary = _one(folder, "*vocab.txt", sorted(folder.glob("*vocab.txt")))
    return ModelFiles(encoder, decoder, joint, vocabulary, _framing(folder, encoder))


def _one(folder: Path, kind: str, paths: list[Path]) -> Path:
    """Return the file of its kind, in the most exact precision present."""
    for suffix in PREFERENCE:
        found = [path for path in paths if Path(path.stem).suffix == suffix]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(path.name for path in found)
            raise govor.LoadFailed(
                f"{folder} holds more than one model ({names}): keep each in its own folder."
            )
    raise govor.LoadFailed(f"{folder} holds no GigaAM model: there is no {kind}.")


def _framing(folder: Path, encoder: Path) -> Framing:
    """Return the generation from config.json, if it states one, else from the exports' names."""
    version = re.match(r"v\d+", encoder.name)
    stated = version[0] if version else "v3"
    config = folder / "config.json"
    if config.is_file():
        try:
            stated = json.loads(config.read_text(encoding="utf-8")).get("version", stated)
        except (ValueError, AttributeError) as error:
            raise govor.LoadFailed(f"{config} is no table of a model's properties: {error}") from error
    return V2 if stated in ("v1", "v2") else V3
