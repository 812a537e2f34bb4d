"""Where a model's file can come from: an installed package, the Hugging Face hub.

Each opener turns one source into a local file or raises SourceAbsent. Nothing is verified here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

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
    """Yield the files' bytes one after the other, in chunks."""
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def read_url(url: str) -> Iterator[bytes]:
    """Yield what a plain https address answers, in chunks. Raises SourceAbsent."""
    try:
        with urlopen(Request(url), timeout=URL_TIMEOUT_SECONDS) as answer:  # noqa: S310 - https only, see store
            while chunk := answer.read(CHUNK_BYTES):
                yield chunk
    except (URLError, OSError) as error:
        raise SourceAbsent(f"{url}: {error}") from error


def hub_file(source: str) -> Path:
    """Fetch `hf:OWNER/REPO@REVISION/PATH` into the Hugging Face cache; return the cached file.

    Honours HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and HF_TOKEN. Raises SourceAbsent.
    """
    from huggingface_hub import hf_hub_download  # slow to import, and rarely needed

    match = re.fullmatch(r"hf:([^@]+)@([^/]+)/(.+)", source)
    if not match:
        raise SourceAbsent(f"'{source}' is not hf:OWNER/REPO@REVISION/PATH")
    repository, revision, name = match.groups()
    try:
        path = hf_hub_download(
            repository, name, revision=revision, endpoint=os.environ.get("HF_ENDPOINT") or None
        )
    except Exception as error:
        raise SourceAbsent(f"{source}: {type(error).__name__}: {error}") from error
    return Path(path).resolve()
