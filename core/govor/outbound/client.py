"""One request to a checked address: GET into a file, POST of a small body.

The connection goes to the very address that was checked, with the URL's host name: a DNS answer that changes
in between has no effect. Every connection has a client of its own: no two names share one. Proxies and
passwords of the environment are not used, because a proxy would resolve names itself; there are no cookies,
and each redirection is checked like the first address. httpx is imported in the thread that resolves the
name, as it is slow to import and rarely needed.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from govor import __version__
from govor.errors import InsufficientStorage, PayloadTooLarge, UrlFailed
from govor.outbound.addresses import PORTS, Url, parse_url, resolve
from govor.plain import in_words

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0  # for each address of a host
SILENCE_SECONDS = 30.0  # between two pieces of an answer
FETCH_SECONDS = 900.0
POST_SECONDS = 30.0
REDIRECTS = 5
MOVED = frozenset({301, 302, 303, 307, 308})
USER_AGENT = f"govor/{__version__}"


async def fetch(
    text: str, into: IO[bytes], *, limit: int, private: bool, param: str, threads: Executor | None = None
) -> None:
    """Write the content of an address into a file; names are resolved in one of `threads`.

    Raises InvalidParam, UrlNotAllowed, UrlFailed, PayloadTooLarge, InsufficientStorage.
    """
    url = parse_url(text, param)
    caller = _Caller(private, param, threads)
    async with _within(FETCH_SECONDS, url, param):
        for _ in range(REDIRECTS + 1):
            async with caller.request("GET", url) as answer:
                location = answer.headers.get("location")
                if answer.status_code not in MOVED or not location:
                    await _save(answer, into, limit, url, param)
                    return
            url = url.joined(location, param)
        raise UrlFailed(f"'{param}': more than {REDIRECTS} redirections.", param=param)


async def post(
    text: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private: bool,
    param: str,
    threads: Executor | None = None,
) -> int:
    """Send a body; return the status of the answer. Raises InvalidParam, UrlNotAllowed, UrlFailed."""
    url = parse_url(text, param)
    caller = _Caller(private, param, threads)
    async with _within(POST_SECONDS, url, param), caller.request("POST", url, headers, body) as answer:
        return answer.status_code


async def check(text: str, *, private: bool, param: str, threads: Executor | None = None) -> None:
    """Check a URL without calling it. Raises InvalidParam, UrlNotAllowed, UrlFailed."""
    look_up = partial(resolve, parse_url(text, param), private=private, param=param)
    await asyncio.get_running_loop().run_in_executor(threads, look_up)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Sends the requests of one request field, within its policy."""

    private: bool
    param: str
    threads: Executor | None = None

    @asynccontextmanager
    async def request(
        self, method: str, url: Url, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Yield the answer before its body. Raises UrlNotAllowed, UrlFailed, also for errors in the body."""
        loop = asyncio.get_running_loop()
        addresses, client = await loop.run_in_executor(self.threads, self._prepare, url)
        import httpx  # `_prepare` has imported it

        request = partial(_request_to, method=method, url=url, headers=headers or {}, body=body)
        answered = False
        try:
            async with client, aclosing(await _send(client, addresses, request)) as answer:
                answered = True
                yield answer
        except httpx.TransportError as error:
            raise _unreachable(url, self.param, _reason(error, answered=answered)) from error

    def _prepare(self, url: Url) -> tuple[list[str], httpx.AsyncClient]:
        """Do what would block the event loop: resolve the name, import the library, read certificates."""
        addresses = resolve(url, private=self.private, param=self.param)
        import httpx

        return addresses, httpx.AsyncClient(
            verify=ssl.create_default_context() if url.scheme == "https" else False,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
        )


async def _send(
    client: httpx.AsyncClient, addresses: list[str], request: Callable[[str], httpx.Request]
) -> httpx.Response:
    """Return the answer of the first address that accepts a connection. Raises httpx.TransportError."""
    import httpx

    for address in addresses[:-1]:
        try:
            return await client.send(request(address), stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return await client.send(request(addresses[-1]), stream=True)


def _request_to(
    address: str, method: str, url: Url, headers: Mapping[str, str], body: bytes | None
) -> httpx.Request:
    """Return a request to `address` for the host of `url`; its certificate is checked for that name.

    Signed URLs cover the host's name and the target, so both are sent exactly as written.
    """
    import httpx

    host = f"[{url.host}]" if ":" in url.host else url.host
    named = host if url.port == PORTS[url.scheme] else f"{host}:{url.port}"
    usual = {"Host": named, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    return httpx.Request(
        method,
        httpx.URL(scheme=url.scheme, host=address, port=url.port),
        headers={**usual, **headers},
        content=body,
        extensions={"sni_hostname": url.host, "target": url.target.encode("ascii")},
    )


@asynccontextmanager
async def _within(seconds: float, url: Url, param: str) -> AsyncIterator[None]:
    """Limit the time of a request with all its redirections. Raises UrlFailed."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise _unreachable(url, param, f"it took longer than {seconds:g} seconds") from error


def _unreachable(url: Url, param: str, why: str) -> UrlFailed:
    return UrlFailed(f"'{param}': {url.host} cannot be reached: {why}.", param=param)


def _reason(error: httpx.TransportError, *, answered: bool) -> str:
    """Return the reason without words of the other side: those of another protocol could reveal data."""
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return f"it took longer than {CONNECT_SECONDS:g} seconds to connect"
    if isinstance(error, httpx.TimeoutException):
        return f"nothing came for {SILENCE_SECONDS:g} seconds"
    if isinstance(error, httpx.NetworkError):
        return _of_the_system(error)
    return "it ended in the middle of its answer" if answered else "its answer is not HTTP"


def _of_the_system(error: BaseException) -> str:
    """Return the reason that the system or OpenSSL gave, below the libraries' exceptions."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return in_words(below)
        if isinstance(below, OSError) and below.errno:
            return os.strerror(below.errno)  # asyncio puts the address there too
        below = below.__cause__ or below.__context__
    return "the connection broke off"


async def _save(answer: httpx.Response, into: IO[bytes], limit: int, url: Url, param: str) -> None:
    if answer.status_code != 200:
        raise UrlFailed(f"'{param}': {url.host} answered {answer.status_code}.", param=param)
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise UrlFailed(f"'{param}': {url.host} answered with an encoding not asked for.", param=param)
    too_large = PayloadTooLarge(
        f"'{param}': the file is larger than the {limit / 1e6:g} MB that this server takes.", param=param
    )
    received = 0
    if int(answer.headers.get("content-length", 0)) > limit:
        raise too_large
    async for chunk in answer.aiter_raw():
        received += len(chunk)
        if received > limit:
            raise too_large
        _write(chunk, into, param)


def _write(chunk: bytes, into: IO[bytes], param: str) -> None:
    try:
        into.write(chunk)
        into.flush()
    except OSError as error:
        raise InsufficientStorage(
            f"'{param}': the file cannot be kept: {error.strerror}.", param=param
        ) from error
