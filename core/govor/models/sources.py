"""Where a model's file can come from: an installed package, the Hugging Face hub, a plain https address.

Each opener turns one source into bytes or raises SourceAbsent. Nothing is verified here.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPMessage
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

CHUNK_BYTES = 1 << 20
URL_TIMEOUT_SECONDS = 60.0


class SourceAbsent(Exception):
    """This source does not have the file, or cannot be reached."""


def package_paths(source: str) -> list[Path]:
    """Return the files of `package:DIST/PATH[+[DIST2:]PATH2...]`, without importing anything.

    Raises SourceAbsent where a distribution or one of the files is not installed.
    """
    first, *rest = source.removeprefix("package:").split("+")
    name, _, path = first.partition("/")
    parts = [(name, path)]
    for part in rest:
        other, colon, path = part.partition(":")
        parts.append((other, path) if colon else (name, other))
    return [_installed_file(dist, path) for dist, path in parts]


def _installed_file(dist: str, path: str) -> Path:
    try:
        found = Path(str(distribution(dist).locate_file(path)))
    except PackageNotFoundError as error:
        raise SourceAbsent(f"package {dist} is not installed") from error
    if not found.is_file():
        raise SourceAbsent(f"package {dist} has no file {path}")
    return found


def read_joined(paths: list[Path]) -> Iterator[bytes]:
    """Yield the files' bytes one after the other, in chunks. Raises SourceAbsent."""
    try:
        for path in paths:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
    except OSError as error:
        raise SourceAbsent(str(error)) from error


class _OnlyToHttps(HTTPRedirectHandler):
    """Where the publisher states no checksum, a redirect to plain http would let anybody change the file."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if not newurl.startswith("https://"):
            raise HTTPError(newurl, code, "redirected to an address that is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def read_url(url: str) -> Iterator[bytes]:
    """Yield what a plain https address answers, in chunks. Raises SourceAbsent."""
    read = 0
    try:
        request = Request(url)  # noqa: S310 - https only, see store
        with build_opener(_OnlyToHttps).open(request, timeout=URL_TIMEOUT_SECONDS) as answer:
            stated = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(CHUNK_BYTES):
                read += len(chunk)
                yield chunk
    except HTTPError as error:
        error.close()
        raise SourceAbsent(str(error)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise SourceAbsent(_one_line(error)) from error
    if read < stated:
        raise SourceAbsent(f"the answer broke off after {read} of {stated} bytes")


def hub_file(source: str, progress: Callable[[int], None], *, fresh: bool = False) -> Path:
    """Fetch `hf:OWNER/REPO@REVISION/PATH` into the Hugging Face cache; return the cached file.

    `progress` is called with the bytes fetched so far; `fresh` fetches again what the cache holds. Honours
    HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and HF_TOKEN. Raises SourceAbsent.
    """
    from huggingface_hub import hf_hub_download  # slow to import, and rarely needed
    from huggingface_hub.errors import LocalEntryNotFoundError

    logging.getLogger("huggingface_hub").handlers.clear()  # its own handler says everything a second time
    match = re.fullmatch(r"hf:([^@]+)@([^/]+)/(.+)", source)
    if not match:
        raise SourceAbsent("it is not written hf:OWNER/REPO@REVISION/PATH")
    repository, revision, name = match.groups()
    try:
        path = hf_hub_download(
            repository,
            name,
            revision=revision,
            endpoint=os.environ.get("HF_ENDPOINT") or None,
            force_download=fresh,
            tqdm_class=_bar_class(progress),
        )
    except LocalEntryNotFoundError as error:
        raise SourceAbsent(_one_line(error.__cause__ or error)) from error  # itself: "check your connection"
    except Exception as error:
        raise SourceAbsent(_one_line(error)) from error
    return Path(path).resolve()


def _bar_class(progress: Callable[[int], None]) -> type[Any]:
    """Return what the hub's client takes for a progress bar: it shows nothing and tells `progress`."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        done = 0

        def __init__(self, *args: Any, **kwargs: Any):
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            self.done += int(n or 0)
            progress(self.done)

        def update_transfer(self, n: float) -> None:
            """Take no account of bytes on the wire, which are compressed."""

        def set_transfer_postfix_str(self, *args: Any, **kwargs: Any) -> None:
            """Show nothing."""

    return Bar


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
