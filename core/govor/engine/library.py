"""The models of a service on its disk: which one a name means, its files, the space that all take.

For the routes and the terminal alike. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from govor.engine.service import Service
from govor.errors import DownloadForbidden
from govor.models.catalogue import Model
from govor.models.download.hub import parse_repository
from govor.models.files.removal import Removed, check_removable
from govor.models.files.removal import remove as remove_files
from govor.models.files.usage import Unused, Usage, free_bytes, unused, usages
from govor.models.files.usage import prune as prune_files
from govor.models.files.verify import Verdict
from govor.models.files.verify import verify as verify_files
from govor.models.selection.operator_models import adopt_repository


@dataclass(frozen=True, slots=True)
class Verification:
    """A model's files, compared with their hashes at the time of download."""

    model: Model
    files: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether no file is damaged or missing."""
        return all(file.state in ("ok", "unchecked") for file in self.files)


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of the models folder."""

    folder: str
    free: int
    """Free bytes on its disk."""
    models: tuple[Usage, ...]
    unused: tuple[Unused, ...]


def wanted_model(service: Service, name: str) -> Model:
    """Return the model to fetch, a known one or, if the settings allow it, any repository of the hub.

    Raises ModelNotFound, DownloadForbidden, DownloadFailed, UnsupportedOperation.
    """
    model = service.router.find(name)
    if model is not None:
        return model
    try:
        parse_repository(name)
    except ValueError:
        return service.router.require(name)
    if service.settings.download != "any":
        raise DownloadForbidden(
            f"'{name}' is no model that a plugin or plugins.toml declares, and the setting `download` is "
            f'"{service.settings.download}". With "any" every repository of the hub may be fetched.',
            param="model",
        )
    if service.settings.offline:
        raise DownloadForbidden(f"'{name}' is not asked for, as `offline` is set.", param="model")
    service.catalogue.add([adopt_repository(name, list(service.plugins))])
    return service.router.require(name)


def check_download(service: Service, model: Model) -> None:
    """Raise DownloadForbidden if the model is missing and the settings allow no download."""
    if service.settings.download == "off" and service.store.state(model) == "available":
        raise DownloadForbidden(
            'Models are not fetched here: the setting `download` is "off".', param="model"
        )


async def remove(service: Service, model: Model, *, force: bool = False) -> Removed:
    """Delete a model's files, or cancel its download; with `force` also if it is in use.

    Raises ModelBusy, ModelProtected, ModelNotInstalled, InsufficientStorage.
    """
    if await service.downloads.cancel(model):
        return Removed(0, "Its download was cancelled.")
    check_removable(service.store, model)  # before it is unloaded
    async with service.pool.emptied(model, force=force):
        return await asyncio.to_thread(remove_files, service.store, model)


def verify(service: Service, name: str) -> Verification:
    """Hash a model's files again; a damaged one no longer counts as installed.

    Raises ModelNotFound, ModelNotInstalled.
    """
    model = service.router.require(name)
    return Verification(model, tuple(verify_files(service.store, model)))


def look_at(service: Service) -> Contents:
    """Return the contents of the service's models folder."""
    store, models = service.store, list(service.catalogue)
    return Contents(
        folder=str(store.root),
        free=free_bytes(store),
        models=tuple(usages(store, models)),
        unused=tuple(unused(store, models)),
    )


def prune(service: Service) -> list[Unused]:
    """Delete the files that no model needs; return them. Raises InsufficientStorage."""
    return prune_files(service.store, list(service.catalogue))
