"""Models' files on disk: find installed ones, install missing ones.

A file is complete or absent: it is written to `.govor-part`, verified, synced and renamed, then recorded. The
next attempt resumes an interrupted download.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from govor.contract.models import ModelFile
from govor.errors import DownloadFailed, InsufficientStorage
from govor.models.catalogue import Model
from govor.models.download.file_download import FileDownload
from govor.models.download.http_download import SourceAbsent
from govor.models.download.progress import Progress, Transfer
from govor.models.download.sources import package_paths
from govor.models.files.listing import list_files, read_listing
from govor.models.manifest import RECORD, is_present, read_record, write_record
from govor.names import folder_name

AT_ONCE = 4
"""Most files of one model that are fetched in parallel."""
LOCK_SECONDS = 0.2  # between two checks whether a download that waits for another process was cancelled


class Store:
    """The models folder. Safe for several threads and processes: one lock per model."""

    def __init__(self, root: Path, *, offline: bool, timeout: float = 30.0):
        """`timeout` is the longest wait of a download for its next byte, in seconds."""
        self.root = root
        self.offline = offline
        self.timeout = timeout

    def folder(self, model: Model) -> Path:
        """Return the folder of the model's files, which may not exist."""
        return Path(model.spec.folder) if model.spec.folder else self.own_folder(model)

    def own_folder(self, model: Model) -> Path:
        """Return Govor's folder for the model, which may not exist: of an operator's, only derived files."""
        return self.root / folder_name(model.plugin) / folder_name(model.spec.id)

    def derived_folder(self, model: Model) -> Path:
        """Return the folder for files that the plugin derives, made if need be; it may not be writable."""
        folder = self.own_folder(model)
        if model.spec.folder and model.spec.derived and not (folder / RECORD).is_file():
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                write_record(folder, {})  # so that `prune` knows it for Govor's when the model is gone
        return folder

    def files(self, model: Model) -> Sequence[ModelFile]:
        """Return the model's files; none if a repository's list has not been read yet."""
        if model.spec.repository and not model.spec.files:
            return read_listing(self.folder(model), model.spec.repository)
        return model.spec.files

    def size(self, model: Model) -> int | None:
        """Return the bytes of all files, as recorded or else as stated; None if unknown."""
        record, files = read_record(self.folder(model)), self.files(model)
        if not record and (place := self.in_place(model)):
            return sum((place / file.name).stat().st_size for file in files)
        sizes = [record[file.name].size if file.name in record else file.size for file in files]
        return None if 0 in sizes or (model.spec.repository and not files) else sum(sizes)

    def state(self, model: Model) -> Literal["installed", "available"]:
        """Tell whether the model can be loaded without a network: its files are here or in a package."""
        return "installed" if self.complete(model) or self.embedded(model) else "available"

    def embedded(self, model: Model) -> bool:
        """Tell whether installed packages hold all of the model's files, or it has none."""
        spec = model.spec
        return not (spec.folder or spec.repository) and all(_in_package(file) for file in spec.files)

    def in_place(self, model: Model) -> Path | None:
        """Return the folder of an installed package that holds the model's files as they are, if one does.

        Only files without a stated sha256 are used there: others are verified and copied.
        """
        spec = model.spec
        if spec.folder or spec.repository or not spec.files or any(file.sha256 for file in spec.files):
            return None
        found = [_packaged_as_it_is(file) for file in spec.files]
        folders = {path.parents[len(Path(name).parts) - 1] for name, path in found if path is not None}
        return folders.pop() if len(folders) == 1 and all(path for _, path in found) else None

    def installed_at(self, model: Model) -> int:
        """When the model's files were verified, in seconds since 1970; 0 before that, and without files."""
        record = self.folder(model) / RECORD
        return int(record.stat().st_mtime) if record.is_file() else 0

    def install(
        self, model: Model, progress: Progress | None = None, *, transfer: Transfer | None = None
    ) -> Path:
        """Return the folder with all files verified, fetching missing ones.

        Raises DownloadFailed, DownloadCancelled, InsufficientStorage.
        """
        folder = self.folder(model)
        if self.complete(model):
            return folder
        if model.spec.folder:
            raise DownloadFailed(_what_is_missing(model, folder))
        if place := self.in_place(model):
            return place
        transfer = transfer or Transfer(progress)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with self.locked(model, transfer):
                folder.mkdir(exist_ok=True)
                try:
                    self._install_missing(model, folder, transfer)
                finally:
                    with suppress(OSError):
                        folder.rmdir()  # only if nothing has come
        except OSError as error:
            raise InsufficientStorage(
                f"The files of '{model.id}' cannot be kept in {folder}: {error.strerror or error}."
            ) from error
        return folder

    @contextmanager
    def locked(self, model: Model, transfer: Transfer, patience: float | None = None) -> Iterator[None]:
        """Lock the model's files against other threads and processes.

        Raises DownloadCancelled, and TimeoutError after `patience` seconds unless that is None.
        """
        folder = self.folder(model)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        waited = 0.0
        while True:
            transfer.check()
            if patience is not None and waited > patience:
                raise TimeoutError
            with suppress(Timeout):
                lock.acquire(timeout=LOCK_SECONDS)
                break
            waited += LOCK_SECONDS
        try:
            yield
        finally:
            lock.release()

    def _install_missing(self, model: Model, folder: Path, transfer: Transfer) -> None:
        files = self.files(model) or list_files(model, folder, transfer, offline=self.offline)
        record, missing = read_record(folder), []
        for file in files:
            if is_present(folder, file, record):
                transfer.move(file.name, record[file.name].size, complete=True)
            else:
                transfer.expect(file.name, file.size)
                download = FileDownload(file, folder, transfer, offline=self.offline, timeout=self.timeout)
                missing.append(download)
        _side_by_side(FileDownload.locate, missing, transfer)
        _check_room(folder, missing)
        recording = threading.Lock()

        def fetch(download: FileDownload) -> None:
            digest = download.fetch()
            with recording:
                record[download.file.name] = digest
                write_record(folder, record)
            transfer.move(download.file.name, digest.size, complete=True)

        _side_by_side(fetch, missing, transfer)

    def complete(self, model: Model) -> bool:
        """Tell whether the model's files are in their folder, or it has none."""
        folder, files = self.folder(model), self.files(model)
        if model.spec.folder:
            return folder.is_dir() and all((folder / file.name).is_file() for file in files)
        if model.spec.repository and not files:
            return False
        record = read_record(folder) if files else {}
        return all(is_present(folder, file, record) for file in files)


def _side_by_side(
    work: Callable[[FileDownload], None], downloads: Iterable[FileDownload], transfer: Transfer
) -> None:
    """Call `work` for all downloads, some in parallel; the first failure is raised once none is running."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="govor-fetch") as threads:
        try:
            for future in [threads.submit(work, download) for download in downloads]:
                future.result()
        except KeyboardInterrupt:
            transfer.cancel()
            raise


def _check_room(folder: Path, downloads: Sequence[FileDownload]) -> None:
    """Raise InsufficientStorage before the first byte if the disk cannot hold all files."""
    needed, free = sum(download.room for download in downloads), shutil.disk_usage(folder).free
    if needed > free:
        raise InsufficientStorage(
            f"The files need {needed / 1e9:.2f} GB more, and {free / 1e9:.2f} GB are free in {folder}."
        )


def _what_is_missing(model: Model, folder: Path) -> str:
    if not folder.is_dir():
        return f"The folder {folder} of '{model.id}' does not exist."
    missing = [file.name for file in model.spec.files if not (folder / file.name).is_file()]
    return f"The folder {folder} of '{model.id}' lacks {', '.join(missing)}."


def _packaged_as_it_is(file: ModelFile) -> tuple[str, Path | None]:
    """Return the file's name, and its path in an installed package if it is one file of that name there."""
    for source in file.sources:
        if source.startswith("package:"):
            with suppress(SourceAbsent):
                path, *others = package_paths(source)
                if not others and path.as_posix().endswith(f"/{file.name}"):
                    return file.name, path
    return file.name, None


def _in_package(file: ModelFile) -> bool:
    """Tell whether an installed package holds the file with the correct size."""
    for source in file.sources:
        if source.startswith("package:"):
            with suppress(SourceAbsent):
                size = sum(path.stat().st_size for path in package_paths(source))
                if size == (file.size or size):
                    return True
    return False
