"""Spooled files of requests: kept on disk while a request is worked on, then deleted."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from quart import request

SPOOL = "govor.spool"
"""Key of the spool in the scope of a request."""

SPOOLED = "govor-upload-"
"""Prefix of the names of spooled files."""

YOUNG_SECONDS = 60.0
"""A file younger than this may not be locked yet."""

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Spool:
    """The files of one request; they stay on disk until `discard`."""

    def __init__(self, folder: Path | None):
        """`folder` is None: the system's folder for temporary files."""
        self._folder = folder
        self._files: list[IO[bytes]] = []

    def open(self) -> IO[bytes]:
        """Return a new file, which is deleted when the request ends."""
        # no suffix: the client's name for a file must not matter
        file = tempfile.NamedTemporaryFile(prefix=SPOOLED, dir=self._folder)  # noqa: SIM115 - closed by _discard
        with suppress(OSError):  # not every file system has locks; without them nothing is swept either
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # keeps `sweep_spool` of another server away
        self._files.append(file)
        return file

    def take(self) -> Callable[[], None]:
        """Hand over the files to work that outlives the request; the returned function deletes them."""
        files, self._files = self._files, []
        return lambda: _discard(files)

    def discard(self) -> None:
        """Delete the files that were not taken."""
        _discard(self._files)
        self._files = []


def current_spool() -> Spool:
    """Return the spool of the current request."""
    return cast("Spool", cast("Scope", request.scope)[SPOOL])


def sweep_spool(folder: Path | None) -> None:
    """Delete the spooled files of servers that were killed: files without a lock. Blocks."""
    for path in Path(folder or tempfile.gettempdir()).glob(f"{SPOOLED}*"):
        with suppress(OSError):  # it belongs to another user, is in use, or is gone meanwhile
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                known = os.fstat(descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISREG(known.st_mode) and known.st_mtime < time.time() - YOUNG_SECONDS:
                    path.unlink()
            finally:
                os.close(descriptor)


def _discard(spooled: list[IO[bytes]]) -> None:
    for file in spooled:
        with suppress(OSError):  # it is gone, or the disk is too full to flush it
            file.close()
