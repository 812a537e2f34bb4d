"""Hash a model's files again and compare them with the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from govor.contract.models import ModelFile
from govor.errors import ModelNotInstalled
from govor.models.catalogue import Model
from govor.models.download.http_download import SourceAbsent
from govor.models.download.part import digest_of
from govor.models.download.sources import package_paths, read_joined
from govor.models.files.store import Store
from govor.models.manifest import RECORD, Digest, read_record, write_record

Moved = Callable[[str, int], None]
"""Called with (file name, bytes hashed)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one file."""

    name: str
    state: Literal["ok", "damaged", "missing", "unchecked"]
    """unchecked: no checksum is known."""
    expected: str = ""
    """sha256, or ""."""
    found: str = ""
    """sha256, or "" if there is no file."""


def verify(store: Store, model: Model, moved: Moved = lambda name, done: None) -> list[Verdict]:
    """Compare every file with the record. A damaged file no longer counts as installed.

    Raises ModelNotInstalled if no file was ever recorded.
    """
    if store.state(model) != "installed" and not store.installed_at(model):
        raise ModelNotInstalled(model.id, idle="check")
    folder, record = store.folder(model), read_record(store.folder(model))
    verdicts = [_verdict(folder, file, record.get(file.name), moved) for file in store.files(model)]
    damaged = {verdict.name for verdict in verdicts if verdict.state == "damaged"}
    if damaged & record.keys():
        write_record(folder, {name: digest for name, digest in record.items() if name not in damaged})
    return verdicts


def find_damage(store: Store, model: Model) -> list[str]:
    """Return the names of damaged files, which no longer count as installed. Hashes all files."""
    with suppress(ModelNotInstalled, OSError):  # of files that cannot be read, the one who loads them tells
        return [verdict.name for verdict in verify(store, model) if verdict.state == "damaged"]
    return []


def _verdict(folder: Path, file: ModelFile, known: Digest | None, moved: Moved) -> Verdict:
    expected = file.sha256 or (known.sha256 if known else "")
    path = folder / file.name
    if path.is_file():
        found = digest_of(path, lambda done: moved(file.name, done)).sha256
    elif (folder / RECORD).is_file():
        return Verdict(file.name, "missing", expected)
    else:
        found = _packaged(file)
    if not found:
        return Verdict(file.name, "missing", expected)
    if not expected:
        return Verdict(file.name, "unchecked", found=found)
    return Verdict(file.name, "ok" if found == expected else "damaged", expected, found)


def _packaged(file: ModelFile) -> str:
    """Return the sha256 of a file that is still in its packages, or ""."""
    for source in file.sources:
        if source.startswith("package:"):
            with suppress(SourceAbsent):
                sha256 = hashlib.sha256()
                for chunk in read_joined(package_paths(source)):
                    sha256.update(chunk)
                return sha256.hexdigest()
    return ""
