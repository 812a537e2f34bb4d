"""Models' files on disk: which are here, fetching, verifying.

A file appears whole or not at all: it is written to `.part`, verified, synced and renamed, then recorded.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from filelock import FileLock

from govor.errors import DownloadFailed
from govor.models.catalogue import Model
from govor.models.record import RECORD, Digest, is_present, read_record, write_record
from govor.models.sources import SourceAbsent, hub_file, package_paths, read_joined, read_url
from govor.types import ModelFile

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all; 0 where unknown)."""


class Store:
    """The models folder. Safe for several threads and processes: one lock per model."""

    def __init__(self, root: Path, *, offline: bool):
        self._root = root
        self._offline = offline

    def folder(self, model: Model) -> Path:
        """Where the model's files lie, or would lie."""
        if model.spec.folder:
            return Path(model.spec.folder)
        return self._root / _folder_name(model.plugin) / _folder_name(model.spec.id)

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
            raise DownloadFailed(_what_is_missing(model, folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                self._install_missing(model, folder, progress)
        except OSError as error:
            raise DownloadFailed(f"Cannot write to {folder}: {error.strerror or error}.") from error
        return folder

    def _install_missing(self, model: Model, folder: Path, progress: Progress) -> None:
        files = model.spec.files
        total = model.spec.size if all(file.size for file in files) else 0
        record, done = read_record(folder), 0
        for file in files:
            if not is_present(folder, file, record):
                report = _rising(done, total, progress)
                record[file.name] = self._fetch(file, _target(folder, file), report)
                write_record(folder, record)
            done += record[file.name].size
        progress(done, done)

    def _complete(self, model: Model) -> bool:
        folder = self.folder(model)
        if model.spec.folder:
            return folder.is_dir() and all((folder / file.name).is_file() for file in model.spec.files)
        record = read_record(folder) if model.spec.files else {}
        return all(is_present(folder, file, record) for file in model.spec.files)

    def _fetch(self, file: ModelFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """Bring one file from the first source that has it as it should be. Raises DownloadFailed."""
        part = target.with_name(target.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        reasons = []
        try:
            for source in file.sources:
                try:
                    digest = self._write_from(source, file, part, progress)
                except SourceAbsent as error:
                    reasons.append(f"{source}: {error}")
                else:
                    part.replace(target)
                    return digest
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
        raise DownloadFailed(f"Cannot fetch '{file.name}': {'; '.join(reasons) or 'it has no source'}.")

    def _write_from(
        self, source: str, file: ModelFile, part: Path, progress: Callable[[int], None]
    ) -> Digest:
        """Write one source's bytes and verify them. Raises SourceAbsent."""
        chunks, stated = self._open(source, progress)
        digest, faults = _write_verified(part, chunks, file, stated, progress)
        if faults and source.startswith("hf:"):  # the hub's client would give what its cache holds for ever
            chunks, stated = self._open(source, progress, fresh=True)
            digest, faults = _write_verified(part, chunks, file, stated, progress)
        if faults:
            raise SourceAbsent(" and ".join(faults))
        return digest

    def _open(
        self, source: str, progress: Callable[[int], None], *, fresh: bool = False
    ) -> tuple[Iterator[bytes], str]:
        """Return the source's bytes and the sha256 that it states of them, or "". Raises SourceAbsent."""
        if source.startswith("package:"):
            return read_joined(package_paths(source)), ""
        if self._offline:
            raise SourceAbsent("not asked, as `offline` is set")
        if source.startswith("hf:"):
            blob = hub_file(source, progress, fresh=fresh)
            stated = blob.name if re.fullmatch(r"[0-9a-f]{64}", blob.name) else ""  # LFS blobs are named so
            return read_joined([blob]), stated
        if source.startswith("https://"):
            return read_url(source), ""
        raise SourceAbsent("no known kind of source")


def _folder_name(name: str) -> str:
    """One folder's name, never a way out of the folder above nor the name of a hidden file."""
    return re.sub(r"^\.+", lambda dots: "_" * len(dots[0]), name.replace("/", "--").replace("\\", "--"))


def _target(folder: Path, file: ModelFile) -> Path:
    """Where a file goes. Raises DownloadFailed where its name leads out of the folder."""
    path = PurePosixPath(file.name)
    if not path.name or path.is_absolute() or ".." in path.parts or re.search(r"[\\:]", file.name):
        raise DownloadFailed(f"The file name '{file.name}' is not a path inside the model's folder.")
    return folder / path


def _what_is_missing(model: Model, folder: Path) -> str:
    if not folder.is_dir():
        return f"The folder {folder} of '{model.id}' does not exist."
    missing = [file.name for file in model.spec.files if not (folder / file.name).is_file()]
    return f"The folder {folder} of '{model.id}' lacks {', '.join(missing)}."


def _rising(before: int, total: int, progress: Progress) -> Callable[[int], None]:
    """Report bytes of one file; those that are copied after they were fetched count once."""
    highest = 0

    def report(size: int) -> None:
        nonlocal highest
        if size > highest:
            highest = size
            progress(before + size, total)

    return report


def _write_verified(
    path: Path, chunks: Iterable[bytes], file: ModelFile, stated: str, progress: Callable[[int], None]
) -> tuple[Digest, list[str]]:
    """Write, and compare with what the publisher, or else the source, states; return what is wrong."""
    digest, md5 = _write(path, chunks, progress)
    expected = file.sha256 or stated
    wrong = []
    if file.size and digest.size != file.size:
        wrong.append(f"{digest.size} bytes instead of {file.size}")
    if expected and digest.sha256 != expected:
        wrong.append(f"sha256 {digest.sha256} instead of {expected}")
    if file.md5 and md5 != file.md5:
        wrong.append(f"md5 {md5} instead of {file.md5}")
    return digest, wrong


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


def _in_package(file: ModelFile) -> bool:
    """Tell whether an installed package holds the file, with the size it should have."""
    for source in file.sources:
        if source.startswith("package:"):
            with suppress(SourceAbsent):
                size = sum(path.stat().st_size for path in package_paths(source))
                if size == (file.size or size):
                    return True
    return False
