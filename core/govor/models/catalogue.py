"""All models that the installed plugins declare, and all their names.

Knows nothing of files or loading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from govor.contract.backends import ModelFamily
from govor.contract.models import ModelKind, ModelSpec
from govor.plugins import Plugin
from govor.settings.model import ModelSettings, settings_of

WRITTEN = re.compile(r"(?:openai/)?(.+?)(?:-20[0-9]{2}-[01][0-9]-[0-3][0-9])?", re.IGNORECASE)
"""How clients write OpenAI's names: OpenRouter and its like with the maker first, OpenAI with a date last."""

SPELLINGS = {"whisper": "whisper-1"}
"""Names that mean an alias unless a model has the name: most deployments on Azure are called so."""

AUTO = "auto"
"""The model name, or alias target, that leaves the choice to the language."""

DEFAULT = "default"
"""The alias target, and model name, that means the preference list."""


@dataclass(frozen=True, slots=True)
class Model:
    """One declared model and the plugin's object that loads it."""

    id: str
    """The spec's id, or `plugin/id` if an earlier plugin or an alias has that id."""
    plugin: str
    spec: ModelSpec
    backend: ModelFamily[object]
    aliases: tuple[str, ...]
    """The aliases of this model, the operator's included."""

    @property
    def kind(self) -> ModelKind:
        """The kind of its work."""
        return self.spec.kind

    @property
    def transcribes(self) -> bool:
        """Whether it turns speech into text; if not, it is a diarizer, a voice detector or the like."""
        return self.kind is ModelKind.TRANSCRIPTION

    def in_precision(self, precision: str) -> Model:
        """Return the model with the files of its variant for a precision; itself if it has no variants."""
        return replace(self, spec=self.spec.in_precision(precision)) if self.spec.variants else self

    @property
    def qualified(self) -> str:
        """The name that always means this model, whatever other plugins declare."""
        return f"{self.plugin}/{self.spec.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that may mean it."""
        return (self.id, self.spec.id, self.qualified, *self.aliases)


class Catalogue:
    """Maps names to models. If two plugins claim a name, the first in order keeps it."""

    def __init__(
        self,
        plugins: Iterable[Plugin],
        aliases: Mapping[str, str],
        own: Iterable[tuple[str, ModelSpec]] = (),
        tables: Mapping[str, ModelSettings] | None = None,
    ):
        """Take the plugins in order; `aliases` are the operator's and win over the plugins' names.

        So do the operator's `own` models, each with the plugin that runs it. `tables` has the settings of
        models; a `precision` there chooses among a model's variants.
        """
        self._plugins = tuple(plugins)
        self._tables = tables or {}
        self._own: dict[tuple[str, str], ModelSpec] = {}
        self._take(aliases)
        self.add(own)

    def change(self, aliases: Mapping[str, str], tables: Mapping[str, ModelSettings]) -> None:
        """Replace the operator's aliases and settings of models."""
        self._tables = tables
        self._take(aliases)
        self.add(())

    def _take(self, aliases: Mapping[str, str]) -> None:
        self._aliases = tuple(aliases)
        self._targets = {alias.casefold(): target for alias, target in aliases.items()}

    def add(self, own: Iterable[tuple[str, ModelSpec]]) -> None:
        """Add models of the operator's; one with the id of another replaces it."""
        self._own |= {(plugin, spec.id): spec for plugin, spec in own}
        declared = list(self._declared())
        self._index(_claims(declared))
        answers = {name: self.find(name) for name in (*self._by_name, *self._aliases)}
        self._models = [self._in_its_precision(_as_known(model, answers)) for model in declared]
        known = {model.qualified: model for model in self._models}
        self._index({name: known[claimed.qualified] for name, claimed in self._by_name.items()})

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def of_kind(self, kind: ModelKind) -> list[Model]:
        """Return the models of a kind, in the order of their plugins."""
        return [model for model in self if model.kind is kind]

    @property
    def failed(self) -> list[str]:
        """Names of plugins that failed, whose models are therefore unknown."""
        failed = (plugin for plugin in self._plugins if plugin.state == "failed")
        return [plugin.name for plugin in failed if not plugin.hooks or "backend" in plugin.hooks]

    def find(self, name: str) -> Model | None:
        """Return the model with this id, alias or plugin/id; case matters only if names differ by it."""
        name = self.resolve(name)
        return self._by_name.get(name) or self._folded.get(name.casefold())

    @property
    def default_aliases(self) -> list[str]:
        """The operator's names for the preference list."""
        return [alias for alias in self._aliases if self.means_default(alias)]

    def means_default(self, name: str) -> bool:
        """Tell whether `name` is "default" or an operator's alias of it."""
        return self.resolve(name).casefold() == DEFAULT

    def lost_aliases(self) -> Iterator[tuple[str, str]]:
        """Yield the operator's aliases of unknown models, with their targets.

        A target with a slash may be a repository that is pulled later; its alias is not yielded.
        """
        for alias in self._aliases:
            target = self.resolve(alias)
            if self.find(alias) is None and target.casefold() not in (DEFAULT, AUTO) and "/" not in target:
                yield alias, target

    def _declared(self) -> Iterator[Model]:
        backends = {plugin.name: plugin.backend for plugin in self._plugins if plugin.backend}
        for (name, _), spec in self._own.items():
            if backend := backends.get(name):
                yield Model(spec.id, name, spec, backend, ())
        for plugin in self._plugins:
            for spec in plugin.models:
                if plugin.backend is not None and (plugin.name, spec.id) not in self._own:
                    yield Model(spec.id, plugin.name, spec, plugin.backend, ())
            for spec, family in plugin.others:
                yield Model(spec.id, plugin.name, spec, family, ())

    def _in_its_precision(self, model: Model) -> Model:
        return model.in_precision(settings_of(model.names, self._tables).precision or "auto")

    def resolve(self, name: str) -> str:
        """Return the target of an operator's alias, through other aliases; a circle ends somewhere.

        An alias in a spelling of Azure's, with `openai/` before it or a date after it is that alias, unless a
        model has such a name.
        """
        if (written := WRITTEN.fullmatch(name)) and name.casefold() not in self._targets:
            alias = SPELLINGS.get(written[1].casefold(), written[1].casefold())
            if alias in self._targets and name.casefold() not in self._folded:
                name = alias
        for _ in self._targets:
            name = self._targets.get(name.casefold(), name)
        return name

    def _index(self, names: dict[str, Model]) -> None:
        self._by_name = names
        self._folded = {name.casefold(): model for name, model in reversed(names.items())}


def _claims(declared: Sequence[Model]) -> dict[str, Model]:
    """Return every declared name and its model: plugin/id before ids before aliases, then in order."""
    names: dict[str, Model] = {model.qualified: model for model in declared}
    for model in declared:
        names.setdefault(model.spec.id, model)
    for model in declared:
        for alias in model.spec.aliases:
            names.setdefault(alias, model)
    return names


def _as_known(model: Model, answers: Mapping[str, Model | None]) -> Model:
    """Return the model with the names that refer to it."""
    names = [name for name, found in answers.items() if found is model]
    name = model.spec.id if model.spec.id in names else model.qualified
    aliases = tuple(alias for alias in names if alias not in (model.spec.id, model.qualified))
    return replace(model, id=name, aliases=aliases)
