"""The data folder: who may use it, and the recordings that wait in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from govor.errors import JobsUnavailable

DATABASE = "jobs.db"
RETRY_SECONDS = 5.0


class JobFolder:
    """One process at a time: two would work on the same jobs. Methods block."""

    def __init__(self, path: Path):
        """Take the folder, making it first if need be. Raises JobsUnavailable, OSError."""
        self.path = path
        self.database = path / DATABASE
        self._audio = path / "audio"
        self._audio.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(path / "jobs.lock", timeout=0, thread_local=False, mode=0o600)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise JobsUnavailable(
                f"Another server uses the folder {path}: give this one its own (data_dir).",
                retry_after=RETRY_SECONDS,
            ) from error
        self.database.touch(mode=0o600)

    def close(self) -> None:
        self._lock.release()

    def audio(self, job: str) -> Path:
        """Where a job's recording lies."""
        return self._audio / job

    def take(self, source: Path, job: str) -> None:
        """Move a recording in, so that it outlives whoever brought it, and the power."""
        target = self.audio(job)
        try:
            source.rename(target)
        except OSError:  # another file system
            shutil.copyfile(source, target)
        descriptor = os.open(target, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def discard(self, job: str) -> None:
        """Delete a recording; one that is gone already does no harm."""
        with suppress(FileNotFoundError):
            self.audio(job).unlink()

    def sweep(self, wanted: Container[str]) -> None:
        """Delete the recordings that no job waits with: a server ended between two steps."""
        for path in self._audio.iterdir():
            if path.name not in wanted:
                path.unlink()
