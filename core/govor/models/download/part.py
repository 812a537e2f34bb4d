"""A file while it is being written, `.govor-part`: hashed on the way and compared at the end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from govor.contract.models import ModelFile
from govor.models.manifest import Digest

CHUNK_BYTES = 1 << 20
SUFFIX = ".govor-part"


class Part:
    """The beginning of a file. With `keep`, bytes of an earlier attempt are kept and hashed."""

    def __init__(self, path: Path, *, keep: bool, md5: bool):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._md5_wanted = md5
        self._file = path.open("r+b" if keep and path.is_file() else "w+b", buffering=0)
        self._forget()
        for chunk in read_chunks(self._file.read):
            self._count(chunk)
        self.kept = self.size

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if error is not None and not self.size:
            self.path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Append bytes; they go to the system at once, so that a killed process loses none."""
        view = memoryview(chunk)
        while view:
            view = view[self._file.write(view) :]
        self._count(chunk)

    def restart(self) -> None:
        """Discard all bytes."""
        self._file.seek(0)
        self._file.truncate()
        self._forget()

    def seal(self) -> tuple[Digest, str]:
        """Sync to disk; return size and sha256, and the md5 or ""."""
        os.fsync(self._file.fileno())
        return Digest(self.size, self._sha256.hexdigest()), self._md5.hexdigest() if self._md5 else ""

    def _count(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._sha256.update(chunk)
        if self._md5 is not None:
            self._md5.update(chunk)

    def _forget(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if self._md5_wanted else None


def read_chunks(read: Callable[[int], bytes | None]) -> Iterator[bytes]:
    """Yield the results of `read` until it returns nothing."""
    while chunk := read(CHUNK_BYTES):
        yield chunk


def digest_of(path: Path, moved: Callable[[int], None] = lambda done: None) -> Digest:
    """Hash a file, and call `moved` with the bytes done. Raises OSError."""
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        for chunk in read_chunks(file.read):
            sha256.update(chunk)
            size += len(chunk)
            moved(size)
    return Digest(size, sha256.hexdigest())


def faults(file: ModelFile, size: int | None, sha256: str, md5: str = "") -> list[str]:
    """Return the differences from the publisher's statements; None and "" mean unknown, which is no fault."""
    wrong = []
    if file.size and size is not None and size != file.size:
        wrong.append(f"{size} bytes instead of {file.size}")
    if file.sha256 and sha256 and sha256 != file.sha256:
        wrong.append(f"sha256 {sha256} instead of {file.sha256}")
    if file.md5 and md5 and md5 != file.md5:
        wrong.append(f"md5 {md5} instead of {file.md5}")
    return wrong
