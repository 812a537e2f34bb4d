"""What the models folder takes on the disk, and which of it nobody needs any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from govor.errors import GovorError
from govor.models.catalogue import Model
from govor.models.part import SUFFIX
from govor.models.record import RECORD, is_present, read_record
from govor.models.removal import TRASH
from govor.models.store import Store, folder_sizes

OURS = ".govor"
"""How the names of files begin that Govor and its plugins write beside a model's."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One model on the disk."""

    model: str
    own: int
    """Bytes that only this folder holds."""
    shared: int
    """Bytes that the hub's cache holds too."""
    partial: int
    """Of the own ones, bytes of an unfinished download."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A file or folder that no model needs."""

    path: str
    """Below the models folder."""
    size: int
    kind: Literal["partial", "file", "folder"]


def usages(store: Store, models: Iterable[Model]) -> list[Usage]:
    """What each model takes that takes anything; what lies in the operator's folders is not counted."""
    found = []
    for model in models:
        folder = store.folder(model)
        if model.spec.folder or not folder.is_dir():
            continue
        own, shared = folder_sizes(folder)
        partial = sum(path.lstat().st_size for path in folder.rglob(f"*{SUFFIX}"))
        if own or shared:
            found.append(Usage(model.id, own, shared, partial))
    return found


def free_bytes(store: Store) -> int:
    """What the models folder's disk has left."""
    place = store.root
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def unused(store: Store, models: Iterable[Model]) -> list[Unused]:
    """Folders of models that are known no more, unfinished downloads, files that a model has no more.

    What is being fetched now is left out.
    """
    known = {store.folder(model): model for model in models if not model.spec.folder}
    found: list[Unused] = []
    for folder in _model_folders(store.root):
        if not _idle(folder):
            continue
        model = known.get(folder)
        if model is None:
            found.append(Unused(_below(store, folder), folder_sizes(folder)[0], "folder"))
        else:
            found += _unused_within(store, folder, model)
    return found


def prune(store: Store, models: Iterable[Model]) -> list[Unused]:
    """Delete what is unused; return it. Raises GovorError where a file cannot be deleted."""
    gone = unused(store, models)
    for item in gone:
        path = store.root / item.path
        try:
            if item.kind == "folder":
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise GovorError(f"Cannot delete {path}: {error.strerror or error}.") from error
    return gone


def _model_folders(root: Path) -> Iterator[Path]:
    """Every folder in which a model's files lie, and what is left of deleted ones; never through a link."""
    for plugin in sorted(root.iterdir()) if root.is_dir() else ():
        if plugin.is_symlink() or not plugin.is_dir():
            continue
        for folder in sorted(plugin.iterdir()):
            if not folder.is_symlink() and folder.is_dir() and _is_ours(folder):
                yield folder


def _is_ours(folder: Path) -> bool:
    """A folder that somebody else put here has no record: it is not touched."""
    return (
        folder.name.startswith(TRASH)
        or (folder / RECORD).is_file()
        or folder.with_name(f".{folder.name}.lock").exists()
    )


def _idle(folder: Path) -> bool:
    """Tell whether no thread or process is fetching this model."""
    if folder.name.startswith(TRASH):
        return True
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        with lock.acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _unused_within(store: Store, folder: Path, model: Model) -> Iterator[Unused]:
    record, files = read_record(folder), {file.name: file for file in store.files(model)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or (path.name.startswith(OURS) and not name.endswith(SUFFIX)):
            continue
        if name.endswith(SUFFIX):
            yield Unused(_below(store, path), path.lstat().st_size, "partial")
        elif name not in files or not is_present(folder, files[name], record):
            yield Unused(_below(store, path), path.lstat().st_size, "file")


def _below(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix()
