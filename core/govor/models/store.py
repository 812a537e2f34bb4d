"""Models' files on disk: which are here, fetching, verifying.

A model's folder appears whole or not at all: files are written to `.part`, verified, synced and renamed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from govor.errors import DownloadFailed
from govor.models.catalogue import Model
from govor.models.sources import SourceAbsent, hub_file, package_paths, read_joined, read_url
from govor.types import ModelFile

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all; 0 where unknown)."""

RECORD = ".govor.json"
"""In each model's folder: size and sha256 of every file as it was verified."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file turned out to be."""

    size: int
    sha256: str


class Store:
    """The models folder. Safe for several threads and processes: one lock per model."""

    def __init__(self, root: Path, *, offline: bool):
        self._root = root
        self._offline = offline

    def folder(self, model: Model) -> Path:
        """Where the model's files lie, or would lie."""
        if model.spec.folder:
            return Path(model.spec.folder)
        return self._root / model.plugin / model.spec.id.replace("/", "--")

    def state(self, model: Model) -> Literal["installed", "available"]:
        """Tell whether the model can be loaded without a network: its files are here or in a package."""
        here = self._complete(model) or (
            not model.spec.folder and all(_in_package(file) for file in model.spec.files)
        )
        return "installed" if here else "available"

    def installed_at(self, model: Model) -> int:
        """When the model's files were verified, in seconds since 1970; 0 before that, and without files."""
        record = self.folder(model) / RECORD
        return int(record.stat().st_mtime) if record.is_file() else 0

    def install(self, model: Model, progress: Progress = lambda done, total: None) -> Path:
        """Return the folder with all files verified, fetching what is missing. Raises DownloadFailed."""
        folder = self.folder(model)
        if self._complete(model):
            return folder
        if model.spec.folder:
            missing = [file.name for file in model.spec.files if not (folder / file.name).is_file()]
            raise DownloadFailed(f"The folder {folder} of '{model.id}' lacks {', '.join(missing)}.")
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            record = _read_record(folder)
            done = 0
            for file in model.spec.files:
                if not _present(folder, file, record):
                    before, total = done, model.spec.size
                    record[file.name] = self._fetch(
                        file,
                        folder / file.name,
                        lambda size: progress(before + size, total),  # noqa: B023
                    )
                    _write_record(folder, record)
                done += record[file.name].size
            progress(done, done)
        return folder

    def _complete(self, model: Model) -> bool:
        folder = self.folder(model)
        if model.spec.folder:
            return all((folder / file.name).is_file() for file in model.spec.files)
        record = _read_record(folder) if model.spec.files else {}
        return all(_present(folder, file, record) for file in model.spec.files)

    def _fetch(self, file: ModelFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """Bring one file from the first source that has it as it should be."""
        reasons = []
        for source in file.sources:
            try:
                return self._fetch_from(source, file, target, progress)
            except (SourceAbsent, OSError) as error:
                reasons.append(str(error))
        raise DownloadFailed(f"Cannot fetch '{file.name}': {'; '.join(reasons) or 'it has no source'}.")

    def _fetch_from(
        self, source: str, file: ModelFile, target: Path, progress: Callable[[int], None]
    ) -> Digest:
        chunks, stated = self._open(source)
        part = target.with_name(target.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest, md5 = _write(part, chunks, progress)
            _verify(digest, md5, file, stated)
            part.replace(target)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
        return digest

    def _open(self, source: str) -> tuple[Iterator[bytes], str]:
        """Return the source's bytes and the sha256 that it states of them, or "". Raises SourceAbsent."""
        if source.startswith("package:"):
            return read_joined(package_paths(source)), ""
        if self._offline:
            raise SourceAbsent(f"{source} is not asked: the server is offline")
        if source.startswith("hf:"):
            blob = hub_file(source)
            return read_joined([blob]), blob.name if len(blob.name) == 64 else ""  # LFS blobs are named so
        if source.startswith("https://"):
            return read_url(source), ""
        raise SourceAbsent(f"'{source}' is no kind of source that is known")


def _write(path: Path, chunks: Iterable[bytes], progress: Callable[[int], None]) -> tuple[Digest, str]:
    """Write and hash in one pass, synced to disk; return size and sha256, and md5."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
            progress(size)
        out.flush()
        os.fsync(out.fileno())
    return Digest(size, sha256.hexdigest()), md5.hexdigest()


def _verify(digest: Digest, md5: str, file: ModelFile, stated: str) -> None:
    """Compare with what the publisher, or else the source, states. Raises SourceAbsent."""
    expected = file.sha256 or stated
    wrong = []
    if file.size and digest.size != file.size:
        wrong.append(f"{digest.size} bytes instead of {file.size}")
    if expected and digest.sha256 != expected:
        wrong.append(f"sha256 {digest.sha256} instead of {expected}")
    if file.md5 and md5 != file.md5:
        wrong.append(f"md5 {md5} instead of {file.md5}")
    if wrong:
        raise SourceAbsent(f"'{file.name}' has {' and '.join(wrong)}")


def _in_package(file: ModelFile) -> bool:
    """Tell whether an installed package holds the file, with the size it should have."""
    for source in file.sources:
        if source.startswith("package:"):
            with suppress(SourceAbsent):
                size = sum(path.stat().st_size for path in package_paths(source))
                if size == (file.size or size):
                    return True
    return False


def _present(folder: Path, file: ModelFile, record: dict[str, Digest]) -> bool:
    path = folder / file.name
    known = record.get(file.name)
    return known is not None and path.is_file() and path.stat().st_size == known.size


def _read_record(folder: Path) -> dict[str, Digest]:
    try:
        entries = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {name: Digest(entry["size"], entry["sha256"]) for name, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        log.warning("%s is damaged and is made anew: %s", folder / RECORD, error)
        return {}


def _write_record(folder: Path, record: dict[str, Digest]) -> None:
    part = folder / (RECORD + ".part")
    entries = {name: {"size": digest.size, "sha256": digest.sha256} for name, digest in record.items()}
    part.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    part.replace(folder / RECORD)
