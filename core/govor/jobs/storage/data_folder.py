"""The data folder: its lock, its recordings, and the record of interactive requests."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from govor.errors import JobsUnavailable
from govor.names import is_job

DATABASE = "jobs.db"
INTERACTIVE_FILE = "jobs.others"
"""A file of one byte: whether interactive requests are under way."""

RETRY_SECONDS = 5.0


class JobFolder:
    """The folder, locked for one process, for two would run the same jobs. Methods block."""

    def __init__(self, path: Path):
        """Lock the folder; make it if it is missing. Raises JobsUnavailable, OSError."""
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
        try:
            self.database.touch(mode=0o600)
            self._interactive_file = os.open(
                path / INTERACTIVE_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
            )
        except OSError:
            self._lock.release()
            raise
        self._others = False
        self.others_at_end = os.pread(self._interactive_file, 1, 0) == b"1"
        """Whether interactive requests were under way when an earlier server crashed."""
        self._write_interactive()

    def close(self) -> None:
        os.close(self._interactive_file)
        self._interactive_file = -1
        self._lock.release()

    def note_interactive(self, count: int) -> None:
        """Record whether interactive requests are under way, which is read after a crash of this process.

        Blocks no longer than a write to the page cache.
        """
        if self._interactive_file >= 0 and self._others != bool(count):
            self._others = bool(count)
            self._write_interactive()

    def _write_interactive(self) -> None:
        with suppress(OSError):  # on a full disk, the cause of a crash is harder to find
            os.pwrite(self._interactive_file, b"1" if self._others else b"0", 0)

    def audio(self, job: str) -> Path:
        """Return the path of a job's recording. Raises ValueError if `job` is no job's id."""
        if not is_job(job):
            raise ValueError(f"{job!r} is no job's id")
        return self._audio / job

    def take(self, source: Path, job: str) -> None:
        """Move a recording into the folder, synced to the disk so that it survives a power failure."""
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
        """Delete a recording, if it is there."""
        if is_job(job):
            with suppress(OSError):  # it is gone, or the next start deletes it
                self.audio(job).unlink()

    def sweep(self, wanted: Container[str]) -> None:
        """Delete the recordings of no waiting job, which remain if a server ended between two steps.

        Entries that are no files, or not named like jobs, do not belong to Govor and stay.
        """
        for entry in os.scandir(self._audio):
            if is_job(entry.name) and entry.name not in wanted and entry.is_file(follow_symlinks=False):
                self.discard(entry.name)


def new_id() -> str:
    """Return a new id that cannot be guessed."""
    return f"job_{secrets.token_hex(12)}"
