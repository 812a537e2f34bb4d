"""Models beyond the plugins' lists: those of plugins.toml, and repositories that were pulled by name."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from govor.contract.backends import Adopting
from govor.contract.models import ModelFile, ModelSpec
from govor.errors import DownloadFailed, UnsupportedOperation
from govor.models.download.http_download import SourceAbsent
from govor.models.download.hub import list_repository, parse_repository
from govor.models.download.progress import Transfer
from govor.models.files.listing import LISTING
from govor.names import folder_name
from govor.plugins import Plugin
from govor.settings.catalogue import OwnModel

log = logging.getLogger(__name__)

Declared = tuple[str, ModelSpec]
"""Name of the plugin that runs a model, and the model."""


def declared_models(tables: Iterable[OwnModel], plugins: Iterable[Plugin]) -> list[Declared]:
    """Return the models of [[catalogue]]; a model that no plugin accepts is left out with a warning."""
    backends = {plugin.name: plugin.backend for plugin in plugins}
    found = []
    for table in tables:
        backend = backends.get(table.plugin)
        try:
            if backend is None:
                raise ValueError(f"there is no plugin '{table.plugin}' that runs models")
            if not isinstance(backend, Adopting):
                raise ValueError(f"the plugin '{table.plugin}' accepts no models but its own")
            found.append((table.plugin, backend.adopt(_stated(table))))
        except ValueError as error:
            log.warning("The model '%s' of [[catalogue]] is left out: %s", table.id, error)
    return found


def pulled_models(root: Path, plugins: Iterable[Plugin]) -> list[Declared]:
    """Return the repositories in the models folder that were pulled by name."""
    backends = {plugin.name: plugin.backend for plugin in plugins}
    found: list[Declared] = []
    for plugin, spec in _on_disk(root):
        backend = backends.get(plugin)
        if isinstance(backend, Adopting):
            found.append((plugin, backend.adopt(spec)))
    return found


def adopt_repository(name: str, plugins: Sequence[Plugin]) -> Declared:
    """Read a repository's list from the hub, and assign it to the first plugin that can run it.

    Raises DownloadFailed, and UnsupportedOperation if no plugin can.
    """
    repository, revision = parse_repository(name)
    try:
        _, listed = list_repository(repository, revision, Transfer())
    except SourceAbsent as error:
        raise DownloadFailed(f"Cannot list the files of {name}: {error}.") from error
    names = [file.name for file in listed]
    reasons: list[str] = []
    for plugin in plugins:
        if not isinstance(plugin.backend, Adopting):
            continue
        try:
            chosen = plugin.backend.choose_files(names)
        except ValueError as error:
            reasons.append(f" {plugin.name}: {error}.")
            continue
        if chosen:
            spec = ModelSpec(name, repository=f"{repository}@{revision}", description=f"{name} of the hub")
            return plugin.name, plugin.backend.adopt(spec)
    raise UnsupportedOperation(
        f"No installed plugin can run the content of the repository {name}.{''.join(reasons)}", param="model"
    )


def _stated(table: OwnModel) -> ModelSpec:
    repository, revision = parse_repository(table.repository) if table.repository else ("", "")
    source = f"hf:{repository}@{revision}"
    files = [ModelFile(name, (f"{source}/{name}",)) for name in table.files]
    files += [ModelFile(url.file_name, (url.url,), sha256=url.sha256) for url in table.urls]
    return ModelSpec(
        id=table.id,
        files=tuple(files),
        languages=table.languages,
        aliases=table.aliases,
        features=frozenset(table.features),
        description=table.description,
        licence=table.licence,
        folder=str(table.folder.expanduser()) if table.folder else "",
        repository=f"{repository}@{revision}" if repository and not files else "",
    )


def _on_disk(root: Path) -> Iterator[Declared]:
    for path in sorted(root.glob(f"*/*/{LISTING}")):
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            spec = ModelSpec(str(body["id"]), repository=str(body["repository"]), description="from the hub")
            parse_repository(spec.repository)
            plugin = str(body["plugin"])
            if path.parent != root / folder_name(plugin) / folder_name(spec.id):
                raise ValueError(f"it is of the model '{spec.id}', whose folder this is not")
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("%s is damaged and is ignored: %s", path, error)
            continue
        yield plugin, spec
