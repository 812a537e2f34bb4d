"""Spooled files of requests: on disk while they are worked on, gone when the request is."""

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
"""Where the scope of a request has its spool."""

SPOOLED = "govor-upload-"
"""How the names of spooled files begin."""

YOUNG_SECONDS = 60.0
"""A file so young may not be locked yet."""

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Spool:
    """The files of one request; they lie on disk until `discard`."""

    def __init__(self, folder: Path | None):
        """None: the system's folder for such files."""
        self._folder = folder
        self._files: list[IO[bytes]] = []

    def open(self) -> IO[bytes]:
        """Return a fresh file, which is gone when the request is."""
        # no suffix: the name a client gives must not decide anything
        file = tempfile.NamedTemporaryFile(prefix=SPOOLED, dir=self._folder)  # noqa: SIM115 - closed by _discard
        with suppress(OSError):  # not every file system has locks; then nothing is swept either
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # `sweep_spool` of another server leaves it
        self._files.append(file)
        return file

    def take(self) -> Callable[[], None]:
        """Hand the files over to a caller who outlives the request; it calls what is returned."""
        files, self._files = self._files, []
        return lambda: _discard(files)

    def discard(self) -> None:
        """Delete the files that nobody has taken."""
        _discard(self._files)
        self._files = []


def current_spool() -> Spool:
    """Where the request under way keeps files."""
    return cast("Spool", cast("Scope", request.scope)[SPOOL])


def sweep_spool(folder: Path | None) -> None:
    """Delete the spooled files of servers that were killed: nobody holds a lock on them. Blocks."""
    for path in Path(folder or tempfile.gettempdir()).glob(f"{SPOOLED}*"):
        with suppress(OSError):  # it is another's, in use, or gone meanwhile
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
        with suppress(OSError):  # it is gone, or the disk has no room for what was to be written
            file.close()
