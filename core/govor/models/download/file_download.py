"""Download one file of a model: find it, link or fetch it, verify it, move it into the folder."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

from govor.contract.models import ModelFile
from govor.errors import DownloadFailed
from govor.models.download.http_download import SourceAbsent
from govor.models.download.part import SUFFIX, Part, digest_of, faults
from govor.models.download.progress import Transfer
from govor.models.download.sources import Found, fetch_found, find_source
from govor.models.manifest import Digest
from govor.names import is_model_file

log = logging.getLogger(__name__)


class FileDownload:
    """The download of one file, from the first source that has the correct one."""

    def __init__(self, file: ModelFile, folder: Path, transfer: Transfer, *, offline: bool, timeout: float):
        """Raises DownloadFailed if the file's name is a path outside the folder."""
        self.file, self.target, self._transfer = file, target_in(folder, file), transfer
        self._offline, self._timeout = offline, timeout
        self._sources = iter(file.sources)
        self._reasons: list[str] = []
        self._placed: Digest | None = None
        self.found = Found("")

    @property
    def part(self) -> Path:
        """The partial file that is written."""
        return self.target.with_name(self.target.name + SUFFIX)

    @property
    def room(self) -> int:
        """Bytes that it still needs on the disk, as far as known."""
        cached = self.found.hub.cached if self.found.hub else None
        if self._placed or (cached and _same_disk(cached, self.target)):
            return 0
        return self.found.size - (self.part.stat().st_size if self.part.is_file() else 0)

    def locate(self) -> None:
        """Find the file in the folder, else the first source that has it. Raises DownloadFailed."""
        self._placed = self._lying()
        if self._placed is None:
            self._advance()

    def _advance(self) -> None:
        """Find the next source that has the file. Raises DownloadFailed if there is none left."""
        for source in self._sources:
            try:
                self.found = self._find(source)
                wrong = self._wrong()
                if wrong and self.found.hub and self.found.hub.cached:
                    self.found = self._find(source, fresh=True)
                    wrong = self._wrong()
                if not wrong:
                    self._transfer.expect(self.file.name, self.file.size or self.found.size)
                    return
                self._reasons.append(f"{source}: {' and '.join(wrong)}")
            except SourceAbsent as error:
                self._reasons.append(f"{source}: {error}")
        reasons = "; ".join(self._reasons) or "it has no source"
        raise DownloadFailed(f"Cannot fetch '{self.file.name}': {reasons}.")

    def fetch(self) -> Digest:
        """Fetch the file into the folder, verified. Raises DownloadFailed, DownloadCancelled, OSError."""
        if self._placed:
            return self._placed
        while True:
            try:
                return self._linked() or self._written()
            except SourceAbsent as error:
                self._reasons.append(f"{self.found.source}: {error}")
                self._advance()

    def _wrong(self) -> list[str]:
        """Return the differences between the source's own statements and the publisher's."""
        return faults(self.file, self.found.size or None, self.found.sha256)

    def _find(self, source: str, *, fresh: bool = False) -> Found:
        return find_source(
            self.file, source, self._transfer, offline=self._offline, timeout=self._timeout, fresh=fresh
        )

    def _lying(self) -> Digest | None:
        """Return the file if it is there but unrecorded, after a copy by hand or a crash; if verifiable."""
        if not self.file.sha256 or not self.target.is_file():
            return None
        digest = digest_of(self.target, self._moved)
        return None if faults(self.file, digest.size, digest.sha256) else digest

    def _linked(self) -> Digest | None:
        """Link the file from the hub's cache; None: it is not there, or damaged."""
        hub = self.found.hub
        if hub is None or hub.cached is None:
            return None
        digest = digest_of(hub.cached, self._moved)
        if not faults(self._stated(), digest.size, digest.sha256):
            _link(hub.cached, self.target)
            return digest
        log.warning("%s in the hub's cache is damaged and is fetched anew", self.file.name)
        self.found = self._find(self.found.source, fresh=True)
        return self._linked() if self.found.hub and self.found.hub.cached != hub.cached else None

    def _written(self) -> Digest:
        wrong: list[str] = []
        stated = self._stated()
        for attempt in range(2):  # a damaged file is fetched once more, from its beginning
            keep = attempt == 0 and bool(stated.sha256 or stated.md5)
            with Part(self.part, keep=keep, md5=bool(stated.md5)) as part:
                fetch_found(self.found, self.file, part, self._transfer, timeout=self._timeout)
                digest, md5 = part.seal()
            wrong = faults(stated, digest.size, digest.sha256, md5)
            if not wrong:
                self.part.replace(self.target)
                self.found.share(self.target)
                return digest
            self.part.unlink()
        raise SourceAbsent(" and ".join(wrong))

    def _stated(self) -> ModelFile:
        """Return the file with the source's statements for what its publisher does not state."""
        file, found = self.file, self.found
        return replace(file, size=file.size or found.size, sha256=file.sha256 or found.sha256)

    def _moved(self, done: int) -> None:
        self._transfer.move(self.file.name, done)


def target_in(folder: Path, file: ModelFile) -> Path:
    """Return the path of a file. Raises DownloadFailed if its name is a path outside the folder."""
    if not is_model_file(file.name):
        raise DownloadFailed(f"The file name '{file.name}' is not a path inside the model's folder.")
    return folder / file.name


def _same_disk(source: Path, target: Path) -> bool:
    """Tell whether a hard link between the two places is possible, as far as known."""
    place = next(place for place in target.parents if place.is_dir())
    return source.stat().st_dev == place.stat().st_dev


def _link(source: Path, target: Path) -> None:
    """Put a file in a second place: by a hard link, else by copying it.

    Never by a symbolic link: onnx 1.23 and onnxruntime 1.31 refuse a model's external data that is one.
    """
    spare = target.with_name(f"{target.name}.{os.getpid()}.govor-link")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, spare)
    except OSError:
        try:
            shutil.copyfile(source, spare)
        except OSError:
            spare.unlink(missing_ok=True)
            raise
        log.warning("%s is on the disk twice: the hub's cache cannot be linked to", target)
    spare.replace(target)
    spare.unlink(missing_ok=True)  # renaming onto another name of the same file does nothing
