"""The progress of a model's files, and their cancellation.

Written by the threads that download, read by any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from govor.errors import DownloadCancelled

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all; 0 where unknown)."""


@dataclass(frozen=True, slots=True)
class FileProgress:
    """The progress of one file."""

    name: str
    size: int
    """Bytes; 0 if unknown."""
    done: int = 0
    complete: bool = False


class Transfer:
    """The progress of one model's files."""

    def __init__(self, listener: Progress | None = None):
        self._listener = listener
        self._lock = threading.RLock()
        self._files: dict[str, FileProgress] = {}
        self._highest = 0
        self._cancelled = threading.Event()
        self._interrupts: list[Callable[[], None]] = []

    @property
    def files(self) -> list[FileProgress]:
        """Every file, including those that were present before."""
        with self._lock:
            return list(self._files.values())

    @property
    def total(self) -> int:
        """Bytes of all files; 0 while one is unknown."""
        files = self.files
        return sum(file.size for file in files) if all(file.size for file in files) else 0

    @property
    def done(self) -> int:
        """Bytes that are present; those of a failed attempt count until they are fetched again."""
        with self._lock:
            self._highest = max(self._highest, sum(file.done for file in self._files.values()))
            return self._highest

    @property
    def current(self) -> str:
        """The file in progress; of several, the one that was named first."""
        files = self.files
        return next((file.name for file in files if not file.complete), files[-1].name if files else "")

    def expect(self, name: str, size: int) -> None:
        """Count a file of this size."""
        with self._lock:
            known = self._files.get(name, FileProgress(name, size))
            self._files[name] = replace(known, size=size)

    def move(self, name: str, done: int, *, complete: bool = False) -> None:
        """Set the bytes of a file that are present. Raises DownloadCancelled."""
        self.check()
        with self._lock:
            known = self._files.get(name, FileProgress(name, 0))
            size = done if complete else known.size
            self._files[name] = FileProgress(name, size, done, complete)
            if self._listener is not None and self.done:
                self._listener(self.done, self.total)

    def cancel(self) -> None:
        """Cancel the transfer; threads that wait for the network stop waiting."""
        self._cancelled.set()
        with self._lock:
            for interrupt in self._interrupts:
                interrupt()

    def check(self) -> None:
        """Raise DownloadCancelled if the transfer was cancelled."""
        if self._cancelled.is_set():
            raise DownloadCancelled("The download was cancelled.")

    def wait(self, seconds: float) -> None:
        """Pause. Raises DownloadCancelled."""
        self._cancelled.wait(seconds)
        self.check()

    @contextmanager
    def interrupted_by(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt` if the transfer is cancelled within the block."""
        with self._lock:
            self._interrupts.append(interrupt)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)
