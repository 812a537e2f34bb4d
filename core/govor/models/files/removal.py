"""Deleting models' files, never anything else: what lies outside the models folder is left and explained."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from govor.errors import InsufficientStorage, ModelBusy, ModelNotInstalled, ModelProtected
from govor.models.catalogue import Model
from govor.models.download.part import SUFFIX
from govor.models.download.progress import Transfer
from govor.models.files.ownership import OwnedFiles, delete_files, delete_folder, look_into
from govor.models.files.store import Store
from govor.models.manifest import RECORD

TRASH = re.compile(r"\.deleted-[0-9a-f]{32}")
"""What a folder is called that is being deleted."""

MOMENT_SECONDS = 2.0
"""How long a deletion waits for another process that is at the same model."""


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
    if _belongings(store, model).ours:
        return
    if not store.files(model) and not model.spec.repository:
        raise ModelProtected(f"'{model.id}' has no files. To be rid of it, put its plugin into `disable`.")
    if store.embedded(model):
        raise ModelProtected(
            f"'{model.id}' comes with an installed package: there is nothing to delete. To be rid of it, "
            "uninstall that package, or put the plugin into `disable`."
        )
    raise ModelNotInstalled(model.id, idle="delete")


def remove(store: Store, model: Model) -> Removed:
    """Delete the model's files. Raises ModelProtected, ModelNotInstalled, ModelBusy, InsufficientStorage."""
    check_removable(store, model)
    folder = store.folder(model)
    try:
        with store.locked(model, Transfer(), patience=MOMENT_SECONDS):
            found = _belongings(store, model)
            if not found.ours:  # another process was quicker
                raise ModelNotInstalled(model.id, idle="delete")
            freed, shared = found.sizes
            _delete(found)
    except TimeoutError as error:
        raise ModelBusy(f"Another process is at the files of '{model.id}' just now.") from error
    except OSError as error:
        raise InsufficientStorage(f"Cannot delete {folder}: {error.strerror or error}.") from error
    return Removed(freed, _note(store, model, shared, found))


def _belongings(store: Store, model: Model) -> OwnedFiles:
    return look_into(store.folder(model), [file.name for file in store.files(model)])


def _delete(found: OwnedFiles) -> None:
    """Have a model gone at one stroke, whatever happens to the rest of its files."""
    if found.foreign:
        (found.folder / RECORD).unlink(missing_ok=True)  # without it nothing counts as installed
        found.delete()
        return
    trash = found.folder.with_name(f".deleted-{uuid4().hex}")
    found.folder.rename(trash)
    delete_folder(trash)


def discard_parts(store: Store, model: Model) -> int:
    """Delete what an interrupted download left; return the bytes. What another process fetches stays."""
    folder = store.folder(model)
    if model.spec.folder or not folder.is_dir():
        return 0
    _check_inside(store, folder)
    try:
        with store.locked(model, Transfer(), patience=0.0):
            found = _belongings(store, model)
            parts = [path for path in found.ours if path.name.endswith(SUFFIX) and not path.is_symlink()]
            freed = sum(path.stat().st_size for path in parts)
            delete_files(folder, parts)
            return freed
    except OSError:  # it is fetched by another process, or cannot be deleted: `prune` does it later
        return 0


def _check_inside(store: Store, folder: Path) -> None:
    """A link may have been put where the folder is, or above it: what it leads to is not the server's."""
    root = store.root.resolve()
    if folder.is_symlink() or root not in folder.resolve().parents:
        raise ModelProtected(f"{folder} leads out of the models folder, and is left as it is.")


def _note(store: Store, model: Model, shared: int, found: OwnedFiles) -> str:
    if found.foreign:
        names = ", ".join(path.relative_to(found.folder).as_posix() for path in found.foreign[:3])
        more = ", …" if len(found.foreign) > 3 else ""
        return f"In {found.folder} Govor leaves what it has not put there: {names}{more}."
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
