"""Download over HTTP into a partial file: resumed after an interruption, given up without new bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from govor.models.download.part import Part
from govor.models.download.progress import Transfer
from govor.plain import in_words

if TYPE_CHECKING:
    import httpx

PAUSES_SECONDS = (1.0, 3.0, 9.0)
"""Seconds before each attempt that follows one without a new byte; then the download fails."""
CONNECT_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 60.0  # upper limit of a server's Retry-After
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which a retry makes sense."""


class SourceAbsent(Exception):
    """This source does not have the file, or cannot be reached."""


class _Again(Exception):
    """Retry after so many seconds."""

    def __init__(self, message: str, seconds: float = 0):
        super().__init__(message)
        self.seconds = seconds


def fetch(
    url: str,
    part: Part,
    transfer: Transfer,
    name: str,
    *,
    size: int = 0,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    only_https: bool = False,
) -> None:
    """Append the bytes that `part` lacks. Raises SourceAbsent and DownloadCancelled.

    `size` is the file's size in bytes, 0 if unknown; `timeout` is the longest wait for the next byte, in
    seconds; `only_https` refuses a redirect to a plain address, on which anybody could change the bytes.
    """
    import httpx  # slow to import, and rarely needed

    attempts, best = 0, part.size
    with _client(headers or {}, timeout, only_https=only_https) as client:
        while True:
            try:
                with _open(client, url, part, size, transfer) as answer:
                    _read(answer, part, size, transfer, name)
                return
            except (httpx.TransportError, httpx.StreamError, _Again) as error:
                transfer.check()
                attempts = 1 if part.size > best else attempts + 1
                best = max(best, part.size)
                if attempts > len(PAUSES_SECONDS):
                    raise SourceAbsent(_reason(error, part.size, timeout)) from error
                asked = error.seconds if isinstance(error, _Again) else 0.0
                transfer.wait(max(PAUSES_SECONDS[attempts - 1], asked))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise SourceAbsent(_reason(error, part.size, timeout)) from error


def size_of(url: str, timeout: float) -> int:
    """Return the size in bytes that an address states; 0 if it states none."""
    import httpx

    try:
        answer = httpx.head(url, follow_redirects=True, timeout=timeout, headers=_PLAIN)
        return max(int(answer.headers.get("content-length") or 0), 0) if answer.is_success else 0
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return 0


_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
"""Events of httpx's documented extension `trace` that have a network stream. Without them, the answer's
extension `network_stream` would do, but a download could not be cancelled before its answer."""

_PLAIN = {"accept-encoding": "identity"}  # a compressed answer could not be resumed


def _client(headers: Mapping[str, str], timeout: float, *, only_https: bool) -> httpx.Client:
    import httpx

    def refuse_plain(response: httpx.Response) -> None:
        target = response.headers.get("location")
        if only_https and response.has_redirect_location and response.url.join(target).scheme != "https":
            raise SourceAbsent(f"it redirects to {target}, which is not https")

    return httpx.Client(
        headers={**headers, **_PLAIN},
        follow_redirects=True,
        timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
        event_hooks={"response": [refuse_plain]},
    )


@contextmanager
def _open(
    client: httpx.Client, url: str, part: Part, size: int, transfer: Transfer
) -> Iterator[httpx.Response | None]:
    """Request the bytes that `part` lacks; yield None if it lacks none. Cancelling ends the connection."""
    if size and part.size == size:
        yield None
        return
    sockets: list[socket.socket] = []

    def trace(event: str, info: dict[str, Any]) -> None:
        if event in _CONNECTED:
            sockets.append(info["return_value"].get_extra_info("socket"))

    def hang_up() -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    wanted = {"range": f"bytes={part.size}-"} if part.size else {}
    with (
        transfer.interrupted_by(hang_up),
        client.stream("GET", url, headers=wanted, extensions={"trace": trace}) as answer,
    ):
        if not sockets:  # a later httpx may name its events otherwise
            sockets.append(answer.extensions["network_stream"].get_extra_info("socket"))
        yield answer


def _read(answer: httpx.Response | None, part: Part, size: int, transfer: Transfer, name: str) -> None:
    if answer is None:
        return
    _check(answer, part)
    resumed = answer.headers.get("content-range", "").startswith(f"bytes {part.size}-")
    if part.size and not (answer.status_code == 206 and resumed):
        part.restart()
    length = int(answer.headers.get("content-length") or 0)
    whole = size or (part.size + length if length else 0)
    transfer.expect(name, whole)
    for chunk in answer.iter_raw():
        part.write(chunk)
        transfer.move(name, part.size)
        if whole and part.size > whole:
            raise SourceAbsent(f"more bytes than the {whole} it should have")
    if part.size < whole:
        raise _Again(f"the answer broke off after {part.size} of {whole} bytes")


def _check(answer: httpx.Response, part: Part) -> None:
    """Raise if the answer does not contain the file's bytes."""
    status = f"{answer.status_code} {answer.reason_phrase}"
    if answer.status_code == 416:  # the part is longer than the file, so it is from another one
        part.restart()
        raise _Again(status)
    if answer.status_code in AGAIN:
        raise _Again(status, _retry_after(answer))
    if not answer.is_success:
        raise SourceAbsent(status)


def _retry_after(answer: httpx.Response) -> float:
    try:
        return min(float(answer.headers.get("retry-after", 0)), LONGEST_PAUSE_SECONDS)
    except ValueError:
        return 0.0


def _reason(error: Exception, size: int, timeout: float) -> str:
    import httpx

    if isinstance(error, httpx.ReadTimeout):
        return f"after {size} bytes nothing came for {timeout:g} s, several times over"
    return one_line(error) if not isinstance(error, _Again) else str(error)


def one_line(error: BaseException) -> str:
    """Return a library's error in one line."""
    return " ".join(f"{type(error).__name__}: {in_words(error)}".split()).rstrip(".: ")
