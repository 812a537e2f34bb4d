"""Deleting models' files, never anything else: what lies outside the models folder is left and explained."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from govor.errors import GovorError, ModelBusy, ModelNotInstalled, ModelProtected
from govor.models.catalogue import Model
from govor.models.part import SUFFIX
from govor.models.progress import Transfer
from govor.models.store import Store, folder_sizes

TRASH = ".deleted-"
"""How the name of a folder begins that is being deleted."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What a deletion did."""

    freed: int
    """Bytes that the disk has back."""
    note: str = ""
    """What is still there, and why; empty where nothing is."""


def check_removable(store: Store, model: Model) -> None:
    """Raise ModelProtected or ModelNotInstalled where there is nothing that may be deleted."""
    folder = store.folder(model)
    if model.spec.folder:
        raise ModelProtected(
            f"'{model.id}' lies in your folder {folder}, which Govor never deletes. To be rid of it, take it "
            "out of plugins.toml."
        )
    _check_inside(store, folder)
    if folder.is_dir() and any(folder.iterdir()):
        return
    if not store.files(model) and not model.spec.repository:
        raise ModelProtected(f"'{model.id}' has no files. To be rid of it, put its plugin into `disable`.")
    if store.embedded(model):
        raise ModelProtected(
            f"'{model.id}' comes with an installed package: there is nothing to delete. To be rid of it, "
            "uninstall that package, or put the plugin into `disable`."
        )
    raise ModelNotInstalled(model.id)


def remove(store: Store, model: Model) -> Removed:
    """Delete the model's files. Raises ModelProtected, ModelNotInstalled, ModelBusy; else GovorError."""
    check_removable(store, model)
    folder = store.folder(model)
    transfer = Transfer()
    try:
        with store.locked(model, transfer, patience=2.0):
            freed, shared = folder_sizes(folder)
            trash = folder.with_name(f"{TRASH}{uuid4().hex}")
            folder.rename(trash)  # gone at one stroke, whatever happens to the rest
            shutil.rmtree(trash)
    except TimeoutError as error:
        raise ModelBusy(f"Another process is fetching '{model.id}' just now.") from error
    except OSError as error:
        raise GovorError(f"Cannot delete {folder}: {error.strerror or error}.") from error
    return Removed(freed, _note(store, model, shared))


def discard_parts(store: Store, model: Model) -> int:
    """Delete what an interrupted download left; return the bytes."""
    folder = store.folder(model)
    if model.spec.folder or not folder.is_dir():
        return 0
    _check_inside(store, folder)
    freed = 0
    for path in folder.rglob(f"*{SUFFIX}"):
        if path.is_file() and not path.is_symlink():
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
    return freed


def _check_inside(store: Store, folder: Path) -> None:
    """A link may have been put where the folder is, or above it: what it leads to is not the server's."""
    root = store.root.resolve()
    if folder.is_symlink() or root not in folder.resolve().parents:
        raise ModelProtected(f"{folder} leads out of the models folder, and is left as it is.")


def _note(store: Store, model: Model, shared: int) -> str:
    if store.embedded(model):
        return (
            f"'{model.id}' comes with an installed package and can still answer: its files are put together "
            "again when it is next asked for."
        )
    if shared:
        return (
            f"{shared / 1e6:.0f} MB are still in the Hugging Face cache, which other programs share; "
            "`hf cache rm` frees them."
        )
    return ""
