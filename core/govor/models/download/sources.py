"""The sources of a model's file: an installed package, the Hugging Face hub, a plain address.

A source is looked up first, which gives the size and often the checksum before a byte is fetched. Nothing is
verified here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from govor.contract.models import ModelFile
from govor.models.download.http_download import SourceAbsent, fetch, size_of
from govor.models.download.hub import HubFile, hub_headers, locate_on_hub, share
from govor.models.download.part import Part, read_chunks
from govor.models.download.progress import Transfer
from govor.plain import in_words


@dataclass(frozen=True, slots=True)
class Found:
    """A file at one of its sources."""

    source: str
    size: int = 0
    """Bytes that the source states; 0 if it states none."""
    sha256: str = ""
    """Checksum that the source states, or ""."""
    paths: tuple[Path, ...] = ()
    """Its parts in installed packages."""
    hub: HubFile | None = None

    @property
    def here(self) -> bool:
        """Whether it is on this machine, so that the network is not needed."""
        return bool(self.paths) or (self.hub is not None and self.hub.cached is not None)

    def share(self, path: Path) -> None:
        """Put the verified file into the hub's cache, so that other tools find it."""
        if self.hub is not None:
            share(self.hub, path)


def find_source(
    file: ModelFile, source: str, transfer: Transfer, *, offline: bool, timeout: float, fresh: bool = False
) -> Found:
    """Look a file up at one source; `fresh` ignores the hub's cache. Raises SourceAbsent."""
    if source.startswith("package:"):
        paths = tuple(package_paths(source))
        return Found(source, sum(path.stat().st_size for path in paths), paths=paths)
    if source.startswith("hf:"):
        hub = locate_on_hub(source, transfer, offline=offline, fresh=fresh)
        return Found(source, hub.size, hub.sha256, hub=hub)
    if not source.startswith("https://") and not (source.startswith("http://") and file.sha256):
        # A plain address needs a checksum, else anybody could change its content.
        raise SourceAbsent("no known kind of source")
    if offline:
        raise SourceAbsent("not asked, as `offline` is set")
    return Found(source, file.size or size_of(source, timeout))


def fetch_found(found: Found, file: ModelFile, part: Part, transfer: Transfer, *, timeout: float) -> None:
    """Append the source's bytes that `part` lacks. Raises SourceAbsent, DownloadCancelled."""
    if found.paths:
        part.restart()
        for chunk in read_joined(found.paths):
            part.write(chunk)
            transfer.move(file.name, part.size)
        return
    url = found.hub.url if found.hub else found.source
    headers = hub_headers() if found.hub else {}
    unsafe = found.hub is None and not file.sha256
    fetch(
        url, part, transfer, file.name, size=found.size, headers=headers, timeout=timeout, only_https=unsafe
    )


def package_paths(source: str) -> list[Path]:
    """Return the files of `package:DIST/PATH[+[DIST2:]PATH2...]`, without importing anything.

    Raises SourceAbsent if a distribution or one of the files is not installed.
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
        found = package_folder(dist, tuple(sys.path)) / path
    except PackageNotFoundError as error:
        raise SourceAbsent(f"package {dist} is not installed; `pip install {dist}` adds it") from error
    if not found.is_file():
        raise SourceAbsent(f"package {dist} has no file {path}")
    return found


@lru_cache
def package_folder(dist: str, path: tuple[str, ...]) -> Path:
    """Return the folder of a distribution, found once for `path`. Raises PackageNotFoundError."""
    return Path(str(distribution(dist).locate_file("")))


def read_joined(paths: tuple[Path, ...] | list[Path]) -> Iterator[bytes]:
    """Yield the files' bytes one after the other, in chunks. Raises SourceAbsent."""
    try:
        for path in paths:
            with path.open("rb") as file:
                yield from read_chunks(file.read)
    except OSError as error:
        raise SourceAbsent(f"{path} cannot be read: {in_words(error)}") from error
