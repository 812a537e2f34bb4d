"""One request to an address that was checked: GET into a file, POST of a small body.

The connection goes to the very address that was checked, so a name that changes its mind in between leads
nowhere; proxies of the environment are not used, for they would look names up themselves. Blocking calls of
the standard library in a thread; whoever waits for them may leave, and the connection is cut.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import closing, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import IO, TypeVar

from govor import __version__
from govor.errors import InsufficientStorage, PayloadTooLarge, UrlFailed
from govor.outbound.addresses import PORTS, Url, parse_url, resolve
from govor.plain import in_words

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0  # between two pieces of an answer
FETCH_SECONDS = 900.0
POST_SECONDS = 30.0
REDIRECTS = 5
MOVED = frozenset({301, 302, 303, 307, 308})
CHUNK_BYTES = 256 * 1024
USER_AGENT = f"govor/{__version__}"

T = TypeVar("T")


class _Line:
    """The connection that a thread is using; `cut` ends it from outside."""

    def __init__(self) -> None:
        self._sock: socket.socket | None = None
        self._cut = False

    def use(self, sock: socket.socket) -> None:
        self.close()
        self._sock = sock
        if self._cut:
            raise OSError("nobody waits for it any more")

    def close(self) -> None:
        """Close the connection, however far it got."""
        if self._sock is not None:
            self._sock.close()

    def cut(self) -> None:
        self._cut = True
        if self._sock is not None:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)


class _Pinned(HTTPConnection):
    """A connection to one of the given addresses, whatever the host's name means by now."""

    def __init__(self, url: Url, addresses: list[str], line: _Line):
        super().__init__(url.host, url.port, timeout=CONNECT_SECONDS)
        self.default_port = PORTS[url.scheme]  # is not named in `Host`
        self._url = url
        self._addresses = addresses
        self._line = line

    def connect(self) -> None:
        for place, address in enumerate(self._addresses, start=1):
            try:
                sock = socket.create_connection((address, self._url.port), CONNECT_SECONDS)
                break
            except OSError:
                if place == len(self._addresses):
                    raise
        self._line.use(sock)
        sock.settimeout(SILENCE_SECONDS)
        if self._url.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self._url.host)
            self._line.use(sock)
        self.sock = sock


async def fetch(
    text: str, into: IO[bytes], *, limit: int, private: bool, param: str, threads: Executor | None = None
) -> None:
    """Write what lies at an address into a file; in one of `threads`, which slow servers keep busy.

    Raises InvalidParam, UrlNotAllowed, UrlFailed, PayloadTooLarge, InsufficientStorage.
    """
    url = parse_url(text, param)
    await _in_thread(partial(_fetch, url, into, limit, private, param), FETCH_SECONDS, url, param, threads)


async def post(text: str, body: bytes, headers: Mapping[str, str], *, private: bool, param: str) -> int:
    """Send a body; return the status of the answer. Raises InvalidParam, UrlNotAllowed, UrlFailed."""
    url = parse_url(text, param)
    return await _in_thread(partial(_post, url, body, headers, private, param), POST_SECONDS, url, param)


async def check(text: str, *, private: bool, param: str, threads: Executor | None = None) -> None:
    """Say now what could be said later. Raises InvalidParam, UrlNotAllowed, UrlFailed."""
    look_up = partial(resolve, parse_url(text, param), private=private, param=param)
    await asyncio.get_running_loop().run_in_executor(threads, look_up)


async def _in_thread(
    call: Callable[[_Line], T], seconds: float, url: Url, param: str, threads: Executor | None = None
) -> T:
    line = _Line()

    def use_line() -> T:
        with closing(line):
            return call(line)

    try:
        async with asyncio.timeout(seconds) as patience:
            return await asyncio.get_running_loop().run_in_executor(threads, use_line)
    except (OSError, HTTPException) as error:  # a TimeoutError is an OSError
        why = f"it took longer than {seconds:g} seconds" if patience.expired() else _reason(error)
        raise UrlFailed(f"'{param}': {url.host} cannot be reached: {why}.", param=param) from error
    finally:
        line.cut()


def _fetch(url: Url, into: IO[bytes], limit: int, private: bool, param: str, line: _Line) -> None:
    for _ in range(REDIRECTS + 1):
        connection = _Pinned(url, resolve(url, private=private, param=param), line)
        try:
            connection.request("GET", url.target, headers={"User-Agent": USER_AGENT})
            with connection.getresponse() as answer:
                location = answer.getheader("Location")
                if answer.status not in MOVED or not location:
                    _save(answer, into, limit, url, param)
                    return
        finally:
            connection.close()
        url = url.joined(location, param)
    raise UrlFailed(f"'{param}': more than {REDIRECTS} redirections.", param=param)


def _reason(error: OSError | HTTPException) -> str:
    """What went wrong, in none of the other side's words: a service that is not HTTP says what is in it."""
    if isinstance(error, OSError):
        return in_words(error)
    if isinstance(error, IncompleteRead):
        return "it ended in the middle of its answer"
    return "its answer is not HTTP"


def _save(answer: HTTPResponse, into: IO[bytes], limit: int, url: Url, param: str) -> None:
    if answer.status != 200:
        raise UrlFailed(f"'{param}': {url.host} answered {answer.status}.", param=param)
    if answer.getheader("Content-Encoding", "identity").lower() != "identity":
        raise UrlFailed(f"'{param}': {url.host} answered with an encoding not asked for.", param=param)
    received, stated = 0, answer.length
    while received <= limit and not (stated or 0) > limit:
        chunk = answer.read1(CHUNK_BYTES)
        if not chunk:
            break
        received += len(chunk)
        _write(chunk, into, param)
    else:
        raise PayloadTooLarge(
            f"'{param}': the file is larger than the {limit / 1e6:g} MB that this server takes.", param=param
        )
    if stated is not None and received < stated:
        raise UrlFailed(f"'{param}': {url.host} ended in the middle of the file.", param=param)
    _write(b"", into, param)


def _write(chunk: bytes, into: IO[bytes], param: str) -> None:
    try:
        into.write(chunk)
        into.flush()
    except OSError as error:  # not to be taken for one of the line
        raise InsufficientStorage(
            f"'{param}': the file cannot be kept: {error.strerror}.", param=param
        ) from error


def _post(url: Url, body: bytes, headers: Mapping[str, str], private: bool, param: str, line: _Line) -> int:
    connection = _Pinned(url, resolve(url, private=private, param=param), line)
    try:
        connection.request("POST", url.target, body, {"User-Agent": USER_AGENT, **headers})
        with connection.getresponse() as answer:
            return answer.status
    finally:
        connection.close()
