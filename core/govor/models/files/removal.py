"""Delete models' files, and no others: files outside the models folder stay, with an explanation."""

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
"""Name of a folder that is being deleted."""

MOMENT_SECONDS = 2.0
"""How long a deletion waits for another process that uses the same model's files."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The result of a deletion."""

    freed: int
    """Bytes freed on the disk."""
    note: str = ""
    """The files that are still there, and why; empty if there are none."""


def check_removable(store: Store, model: Model) -> None:
    """Raise ModelProtected or ModelNotInstalled if there is nothing that may be deleted."""
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
            if not found.ours:  # another process was faster
                raise ModelNotInstalled(model.id, idle="delete")
            freed, shared = found.sizes
            _delete(found)
    except TimeoutError as error:
        raise ModelBusy(f"Another process is using the files of '{model.id}' just now.") from error
    except OSError as error:
        raise InsufficientStorage(f"Cannot delete {folder}: {error.strerror or error}.") from error
    return Removed(freed, _note(store, model, shared, found))


def _belongings(store: Store, model: Model) -> OwnedFiles:
    return look_into(store.folder(model), [file.name for file in store.files(model)], model.spec.derived)


def _delete(found: OwnedFiles) -> None:
    """Make the model count as not installed at once, even if some of its files cannot be deleted."""
    if found.foreign:
        (found.folder / RECORD).unlink(missing_ok=True)  # without it no file counts as installed
        found.delete()
        return
    trash = found.folder.with_name(f".deleted-{uuid4().hex}")
    found.folder.rename(trash)
    delete_folder(trash)


def discard_parts(store: Store, model: Model) -> int:
    """Delete the partial files of an interrupted download, but not of other processes; return their bytes."""
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
    except OSError:  # another process is fetching it, or it cannot be deleted: `prune` does it later
        return 0


def _check_inside(store: Store, folder: Path) -> None:
    """Raise ModelProtected if a link at or above the folder leads outside the models folder."""
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
            "again when it is next requested."
        )
    if shared:
        return (
            f"{shared / 1e6:.0f} MB are still in the Hugging Face cache, which other programs share; "
            "`hf cache rm` frees them."
        )
    return ""
