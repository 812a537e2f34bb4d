"""The file list of a model that is a repository on the hub: chosen by its plugin, kept in its folder.

The list holds the commit that the revision meant when it was read: later pulls fetch the same files.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from govor.contract.backends import Adopting
from govor.contract.models import ModelFile
from govor.errors import DownloadFailed
from govor.models.catalogue import Model
from govor.models.download.http_download import SourceAbsent
from govor.models.download.hub import list_repository, parse_repository
from govor.models.download.progress import Transfer
from govor.names import is_model_file

LISTING = ".govor-files.json"
"""In the folder of each such model."""

log = logging.getLogger(__name__)


def read_listing(folder: Path, repository: str) -> tuple[ModelFile, ...]:
    """Return the listed files; none if the list is absent, damaged or of another repository."""
    try:
        body = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        if body["repository"] != repository:
            return ()
        files = tuple(
            ModelFile(str(entry["name"]), (str(entry["source"]),), int(entry["size"]), str(entry["sha256"]))
            for entry in body["files"]
        )
        _check_names(file.name for file in files)
        return files
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning("%s is damaged and is made anew: %s", folder / LISTING, error)
        return ()


def listed_names(folder: Path) -> frozenset[str]:
    """Return the file names in a folder's list, of whatever repository; none if it is damaged."""
    try:
        body = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        return frozenset(str(entry["name"]) for entry in body["files"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return frozenset()


def list_files(model: Model, folder: Path, transfer: Transfer, *, offline: bool) -> tuple[ModelFile, ...]:
    """Read the model's file list from the hub, and save it. Raises DownloadFailed."""
    repository = model.spec.repository
    if not repository:
        return ()
    if offline:
        raise DownloadFailed(f"The files of '{model.id}' are not listed, as `offline` is set.")
    try:
        name, revision = parse_repository(repository)
        commit, listed = list_repository(name, revision, transfer)
    except (SourceAbsent, ValueError) as error:
        raise DownloadFailed(f"Cannot list the files of {repository}: {error}.") from error
    try:
        chosen = set(choose(model, [file.name for file in listed]))
        _check_names(chosen)
    except ValueError as error:
        raise DownloadFailed(f"The repository {repository} cannot be used: {error}.") from error
    if not chosen:
        raise DownloadFailed(f"The repository {repository} holds no model for the plugin '{model.plugin}'.")
    files = tuple(
        ModelFile(file.name, (f"hf:{name}@{commit}/{file.name}",), file.size, file.sha256)
        for file in listed
        if file.name in chosen
    )
    _write(folder, model, files)
    return files


def choose(model: Model, names: list[str]) -> list[str]:
    """Return the file names that the model's plugin chooses."""
    return list(model.backend.choose_files(names)) if isinstance(model.backend, Adopting) else []


def _check_names(names: Iterable[str]) -> None:
    """Raise ValueError for a name that is no path inside the model's folder: lists come from outside."""
    for name in names:
        if not is_model_file(name):
            raise ValueError(f"the file name '{name}' is not a path inside the model's folder")


def _write(folder: Path, model: Model, files: tuple[ModelFile, ...]) -> None:
    entries = [
        {"name": file.name, "source": file.sources[0], "size": file.size, "sha256": file.sha256}
        for file in files
    ]
    spec = model.spec
    body = {"id": spec.id, "plugin": model.plugin, "repository": spec.repository, "files": entries}
    part = folder / (LISTING + ".part")
    part.write_text(json.dumps(body, indent=1), encoding="utf-8")
    part.replace(folder / LISTING)
