"""Every model that the installed plugins declare, and all names each of them answers to.

Knows nothing of files or loading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from govor.plugins import Plugin
from govor.types import Backend, ModelSpec

DEFAULT = "default"
"""The alias target, and model name, that means the preference list."""


@dataclass(frozen=True, slots=True)
class Model:
    """One declared model and who loads it."""

    id: str
    """The spec's id, or `plugin/id` where an earlier plugin holds that id."""
    plugin: str
    spec: ModelSpec
    backend: Backend
    aliases: tuple[str, ...]
    """The aliases that lead here, the operator's included."""

    @property
    def qualified(self) -> str:
        """The name that always leads here, whatever other plugins declare."""
        return f"{self.plugin}/{self.spec.id}"


class Catalogue:
    """Names to models. Where two plugins claim a name, the first in order keeps it."""

    def __init__(self, plugins: Iterable[Plugin], aliases: Mapping[str, str]):
        """Take the plugins in order; `aliases` are the operator's and win over the models' own."""
        self._by_name: dict[str, Model] = {}
        declared = [
            (plugin, plugin.backend, spec)
            for plugin in plugins
            if plugin.backend is not None
            for spec in plugin.models
        ]
        ids: dict[str, str] = {}
        for plugin, _, spec in declared:
            ids.setdefault(spec.id, plugin.name)
        taken = set(ids) | set(aliases)
        self._models: list[Model] = []
        for plugin, backend, spec in declared:
            name = spec.id if ids[spec.id] == plugin.name else f"{plugin.name}/{spec.id}"
            own = tuple(alias for alias in dict.fromkeys(spec.aliases) if alias not in taken)
            taken.update(own)
            named = tuple(a for a, target in aliases.items() if target in (name, *own, *spec.aliases))
            self._models.append(Model(name, plugin.name, spec, backend, own + named))
        self._aliases = dict(aliases)
        for model in self._models:
            for key in (model.id, model.qualified, *model.aliases):
                self._by_name.setdefault(key, model)
        self._folded = {key.casefold(): model for key, model in reversed(self._by_name.items())}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def find(self, name: str) -> Model | None:
        """Return the model of this id, alias or plugin/id; case matters only where names differ by it."""
        return self._by_name.get(name) or self._folded.get(name.casefold())

    def means_default(self, name: str) -> bool:
        """Tell whether `name` is "default" or an operator's alias of it."""
        return name == DEFAULT or self._aliases.get(name) == DEFAULT
