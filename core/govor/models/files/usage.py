"""Disk usage of the models folder, and its unused files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from govor.errors import InsufficientStorage
from govor.models.catalogue import Model
from govor.models.download.part import SUFFIX
from govor.models.files.ownership import delete_files, delete_folder, files_in, look_into, sizes_of
from govor.models.files.removal import TRASH
from govor.models.files.store import Store
from govor.models.manifest import RECORD, is_present, read_record


@dataclass(frozen=True, slots=True)
class Usage:
    """Disk usage of one model."""

    model: str
    own: int
    """Bytes that only this folder holds."""
    shared: int
    """Bytes that the hub's cache holds too."""
    partial: int
    """Bytes of an unfinished download, part of `own`."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A file or folder that no model needs."""

    path: str
    """Relative to the models folder."""
    size: int
    kind: Literal["partial", "file", "folder"]


def usages(store: Store, models: Iterable[Model]) -> list[Usage]:
    """Return the usage of each model that uses any space, not counting the operator's own folders."""
    found = []
    for model in models:
        folder = store.own_folder(model)
        if not folder.is_dir():
            continue
        files = files_in(folder)
        own, shared = sizes_of(files)
        partial = sizes_of(path for path in files if path.name.endswith(SUFFIX))[0]
        if own or shared:
            found.append(Usage(model.id, own, shared, partial))
    return found


def free_bytes(store: Store) -> int:
    """Return the free bytes on the models folder's disk."""
    place = store.root
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def unused(store: Store, models: Iterable[Model]) -> list[Unused]:
    """Return folders of unknown models, unfinished downloads, and files that their model no longer has.

    Downloads in progress and files that are not Govor's are left out.
    """
    return [item for items in _looked_through(store, models) for item in items]


def prune(store: Store, models: Iterable[Model]) -> list[Unused]:
    """Delete unused files; return them. Raises InsufficientStorage if a file cannot be deleted."""
    gone = []
    for items in _looked_through(store, models):
        for item in items:
            path = store.root / item.path
            try:
                if item.kind == "folder":
                    delete_folder(path)
                else:
                    delete_files(path.parent, [path])
            except OSError as error:
                raise InsufficientStorage(f"Cannot delete {path}: {error.strerror or error}.") from error
            gone.append(item)
    return gone


def _looked_through(store: Store, models: Iterable[Model]) -> Iterator[list[Unused]]:
    """Yield the unused files of each folder, which is locked until the next one is requested."""
    known = {store.own_folder(model): model for model in models}
    for folder in _model_folders(store.root):
        with _held(folder) as held:
            if held:
                model = known.get(folder)
                yield list(_unknown(store, folder) if model is None else _unneeded(store, folder, model))


def _model_folders(root: Path) -> Iterator[Path]:
    """Yield every folder of a model, and the rests of deleted ones; links are not followed."""
    for plugin in sorted(root.iterdir()) if root.is_dir() else ():
        if plugin.is_symlink() or not plugin.is_dir():
            continue
        for folder in sorted(plugin.iterdir()):
            if not folder.is_symlink() and folder.is_dir() and _is_ours(folder):
                yield folder


def _is_ours(folder: Path) -> bool:
    """Tell whether Govor made the folder: a folder without a record is left alone."""
    return bool(TRASH.fullmatch(folder.name)) or (folder / RECORD).is_file() or _lock_of(folder).exists()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Lock a model's folder against downloads within the block; yield whether that worked."""
    if TRASH.fullmatch(folder.name):
        yield True
        return
    lock = FileLock(_lock_of(folder))
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _unknown(store: Store, folder: Path) -> Iterator[Unused]:
    """Yield an unknown model's folder, or if it holds others' files too, each of Govor's."""
    found = look_into(folder)
    if TRASH.fullmatch(folder.name) or not found.foreign:
        yield Unused(_below(store, folder), sizes_of((*found.ours, *found.foreign))[0], "folder")
        return
    for path in found.ours:
        yield _file(store, path)


def _unneeded(store: Store, folder: Path, model: Model) -> Iterator[Unused]:
    """Yield partial files, and recorded files that the model no longer has."""
    record, files = read_record(folder), {file.name: file for file in store.files(model)}
    for path in look_into(folder).ours:
        name = path.relative_to(folder).as_posix()
        stale = name in record and (name not in files or not is_present(folder, files[name], record))
        if path.name.endswith(SUFFIX) or stale:
            yield _file(store, path)


def _file(store: Store, path: Path) -> Unused:
    kind: Literal["partial", "file"] = "partial" if path.name.endswith(SUFFIX) else "file"
    return Unused(_below(store, path), path.lstat().st_size, kind)


def _below(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix()
