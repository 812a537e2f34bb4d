"""Distinguish Govor's files in a model's folder, which it recorded, listed, marked or derived, from others.

Only these are ever deleted. Other files stay; links are never followed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from govor.models.files.listing import listed_names
from govor.models.manifest import read_record
from govor.names import is_marked


@dataclass(frozen=True, slots=True)
class OwnedFiles:
    """All files and links below a model's folder."""

    folder: Path
    ours: tuple[Path, ...]
    foreign: tuple[Path, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the bytes of Govor's files only in this folder, and of those in another place too."""
        return sizes_of(self.ours)

    def delete(self) -> None:
        """Delete Govor's files, and the folders that are empty then. Raises OSError."""
        delete_files(self.folder, self.ours)


def look_into(folder: Path, names: Collection[str] = (), derived: Collection[str] = ()) -> OwnedFiles:
    """Sort the files in a folder by owner.

    `names` are those of its model's files, `derived` the patterns of those that its plugin makes, if known.
    """
    known = {*names, *read_record(folder), *listed_names(folder)}
    ours: list[Path] = []
    foreign: list[Path] = []
    for path in files_in(folder):
        name = path.relative_to(folder).as_posix()
        mine = name in known or is_marked(path.name) or any(fnmatchcase(name, each) for each in derived)
        (ours if mine else foreign).append(path)
    return OwnedFiles(folder, tuple(ours), tuple(foreign))


def files_in(folder: Path) -> list[Path]:
    """Return every file and link below a folder, sorted; none if it cannot be read."""
    found = []
    for place, folders, files in os.walk(folder):  # os.walk follows no links
        found += [Path(place, name) for name in files]
        found += [path for name in folders if (path := Path(place, name)).is_symlink()]
    return sorted(found)


def sizes_of(files: Iterable[Path]) -> tuple[int, int]:
    """Return the bytes of files with one name, and of links and files with several, as in the hub's cache."""
    own = shared = 0
    for path in files:
        with suppress(FileNotFoundError):  # deleted meanwhile
            stat = path.stat()
            twice = path.is_symlink() or stat.st_nlink > 1
            own, shared = (own, shared + stat.st_size) if twice else (own + stat.st_size, shared)
    return own, shared


def delete_files(folder: Path, files: Iterable[Path]) -> None:
    """Delete files and links, then the folders around them that are empty, `folder` too. Raises OSError."""
    places = {folder}
    for path in files:
        path.unlink(missing_ok=True)
        places.update(place for place in path.parents if place.is_relative_to(folder))
    for place in sorted(places, key=lambda place: -len(place.parts)):
        with suppress(OSError):  # it holds files that are not Govor's
            place.rmdir()


def delete_folder(folder: Path) -> None:
    """Delete a folder of Govor's as a whole; another process may be deleting it too. Raises OSError."""
    while folder.is_dir():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
