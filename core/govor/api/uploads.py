"""Request bodies: counted while they arrive, files spooled to disk, gone when the request is.

Quart's own body counts only what has not been read yet, so a chunked upload would pass any cap; and its
form parser keeps small files in memory without a name.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from quart import Request
from quart.formparser import FormDataParser
from quart.wrappers.request import Body
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

LINGER_SECONDS = 10.0
DROP_SECONDS = 0.0006  # from one piece of 64 kB that is dropped to the next: 100 MB a second
BACKLOG_BYTES = 256_000
"""Of a body that arrives faster than it is read, more does not wait in memory, but with the client."""

RECORDINGS = re.compile(r"(/api)?/v1/audio/|/v1/transcribe|/inference")
"""How paths begin whose bodies hold a recording."""
PLAIN_BYTES = 1_000_000
"""Largest body of all others: it is read into memory, and a form of 20 MB may take a gigabyte of it."""

BODY = "govor.body"

SPOOLED = "govor-upload-"
"""How the names of spooled files begin."""

YOUNG_SECONDS = 60.0
"""A file so young may not be locked yet."""

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyTooLarge(RequestEntityTooLarge):
    """The request as a whole exceeds the cap."""

    def __init__(self, limit: int):
        super().__init__(f"The request is larger than the {limit / 1e6:g} MB that this server takes.")


class CountedBody(Body):
    """A body that ends with 413 as soon as more than the cap has arrived, however it is sent."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None):
        super().__init__(expected_content_length, max_content_length)
        self._received = 0
        self._in_pieces = True
        self._taken = asyncio.Event()
        if self._must_raise is not None and max_content_length is not None:
            self._must_raise = BodyTooLarge(max_content_length)

    async def room(self) -> None:
        """Wait until what has arrived is read, but for a little."""
        while self._in_pieces and len(self._data) > BACKLOG_BYTES:
            self._taken.clear()
            await self._taken.wait()

    def let_all_in(self) -> None:
        """Hold nothing back any more: it is awaited as a whole, or nobody wants it."""
        self._in_pieces = False
        self._taken.set()

    async def __anext__(self) -> bytes:
        data = await super().__anext__()
        self._taken.set()
        return data

    def __await__(self) -> Generator[Any, None, Any]:
        self.let_all_in()
        return super().__await__()

    def append(self, data: bytes) -> None:
        """Take what has arrived; what comes after the cap is thrown away."""
        super().append(data)
        self._received += len(data)
        if self._max_content_length is not None and self._received > self._max_content_length:
            self._must_raise = BodyTooLarge(
                self._max_content_length
            )  # raised once the reader has taken this data
            self.set_complete()


class SpoolingRequest(Request):
    """A request whose file parts lie on disk until `discard_uploads`."""

    body_class = CountedBody
    spool_dir: Path | None = None
    limits: Mapping[str, int] = {}
    """Largest body in bytes, of the paths that have a limit of their own."""

    def __init__(self, method: str, scheme: str, path: str, *args: Any, **kwargs: Any):
        most = self.limits.get(path, kwargs.get("max_content_length"))
        if not RECORDINGS.match(path):
            most = PLAIN_BYTES if most is None else min(most, PLAIN_BYTES)
        super().__init__(method, scheme, path, *args, **{**kwargs, "max_content_length": most})
        self._spooled: list[IO[bytes]] = []
        cast("Scope", self.scope)[BODY] = self.body

    def make_form_data_parser(self) -> FormDataParser:
        """Make Quart's parser write to our files."""
        return self.form_data_parser_class(
            max_content_length=self.max_content_length,
            max_form_memory_size=self.max_form_memory_size,
            max_form_parts=self.max_form_parts,
            cls=self.parameter_storage_class,
            stream_factory=self._spool,
        )

    async def spool_body(self) -> tuple[Path, int]:
        """Write the body to disk while it arrives; return where, and how many bytes. Raises BodyTooLarge."""
        file = self.spool()
        size = 0
        async for data in self.body:
            size += file.write(data)
        file.flush()
        return Path(str(file.name)), size

    def take_uploads(self) -> Callable[[], None]:
        """Hand the spooled files over to a caller who outlives the request; it calls what is returned."""
        spooled, self._spooled = self._spooled, []
        return lambda: _discard(spooled)

    def discard_uploads(self) -> None:
        """Delete the spooled files that nobody has taken."""
        _discard(self._spooled)
        self._spooled = []

    def _spool(
        self, total: int | None, kind: str | None, name: str | None, length: int | None = None
    ) -> IO[bytes]:
        return self.spool()

    def spool(self) -> IO[bytes]:
        """Return a fresh file, which is gone when the request is."""
        # no suffix: the name a client gives must not decide anything
        file = tempfile.NamedTemporaryFile(prefix=SPOOLED, dir=self.spool_dir)  # noqa: SIM115 - closed by _discard
        with suppress(OSError):  # not every file system has locks; then nothing is swept either
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # `sweep_spool` of another server leaves it
        self._spooled.append(file)
        return file


def spooling_into(folder: Path | None, own_limits: Mapping[str, int]) -> type[SpoolingRequest]:
    """Return the request class that spools to `folder`; None: the system's folder for such files."""

    class BoundRequest(SpoolingRequest):
        spool_dir = folder
        limits = own_limits

    return BoundRequest


def spooled_path(upload: FileStorage) -> Path:
    """Where a spooled upload lies; everything written is on disk."""
    upload.stream.flush()
    return Path(str(upload.stream.name))


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


class Linger:
    """ASGI middleware: a body arrives no faster than it is read, and an early answer waits for its end.

    Without the first, what is written to a slow disk gathers in memory. As to the second: a server that
    answers and closes while data is still arriving makes the client's system throw the answer away. What
    arrives meanwhile is read and dropped: nobody takes it any more.
    """

    def __init__(self, app: Any, seconds: float = LINGER_SECONDS):
        self._app = app
        self._seconds = seconds
        self._lingering = 0  # answers that wait

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; hold back only the very last event of an early answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        complete, answered = asyncio.Event(), False

        async def watch() -> Message:
            body = scope.get(BODY)
            if body is not None:
                await body.room()
            if answered:
                await asyncio.sleep(DROP_SECONDS * self._lingering)  # a crowd must not stop all others
            message = await receive()
            if answered and message["type"] == "http.request":
                message = {**message, "body": b""}
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                complete.set()
            return message

        async def hold(message: Message) -> None:
            nonlocal answered
            answered = True
            if BODY in scope:
                scope[BODY].let_all_in()
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._lingering += 1
                try:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(complete.wait(), self._seconds)
                finally:
                    self._lingering -= 1
            await send(message)

        await self._app(scope, watch, hold)
