"""Choose the files of one model in a repository by their names. Knows nothing of a disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

PREPARED = ".govor-"
"""Part of the names of the files that this plugin derives from the others."""

DERIVED = (f"*{PREPARED}*",)
"""Patterns of those names."""

PREFERENCE = ("", ".fp16", ".int8")
"""Order of preference of a file's precisions, by the end of its name."""
RNNT = ("encoder", "decoder", "joint")


def chosen_files(names: Sequence[str]) -> tuple[str, ...]:
    """Return the graphs, their external weights, the vocabulary and the configuration of the one model.

    Empty if there is no model, or more than one: then the operator names the files.
    """
    graphs = [name for name in names if name.endswith(".onnx") and "/" not in name]
    vocabularies = [name for name in names if name.endswith("vocab.txt") and "/" not in name]
    parts = [[name for name in graphs if f"_{part}." in name] for part in RNNT]
    chosen = [most_exact(part) for part in (parts if any(parts) else [graphs])]
    if len(vocabularies) != 1 or not all(chosen):
        return ()
    beside = [f"{name}.data" for name in chosen if f"{name}.data" in names]
    config = ["config.json"] if "config.json" in names else []
    return (*filter(None, chosen), *beside, *vocabularies, *config)


def most_exact(names: Sequence[str]) -> str | None:
    """Return the one name in the most exact precision present; None if none or several have it."""
    for suffix in PREFERENCE:
        found = [name for name in names if PurePosixPath(PurePosixPath(name).stem).suffix == suffix]
        if found:
            return found[0] if len(found) == 1 else None
    return None
