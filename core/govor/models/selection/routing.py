"""Find the model for a request. Knows nothing of HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from govor.contract.models import Feature, ModelKind
from govor.errors import ModelNotFound, ModelNotInstalled, UnsupportedOperation
from govor.models.catalogue import AUTO, DEFAULT, Catalogue, Model
from govor.models.files.store import Store

WRITES_NO_TEXT = {
    ModelKind.DIARIZATION: "diarizer",
    ModelKind.VAD: "voice detector",
    ModelKind.TEXT: "model for texts",
}

UNNAMED = frozenset({ModelKind.VAD, ModelKind.TEXT})
"""Kinds of models that no client names: the core chooses among them."""

log = logging.getLogger(__name__)


class Router:
    """Maps names to models that can answer now."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        preferences: Sequence[str],
        routes: Mapping[str, Sequence[str]] | None = None,
        *,
        may_fetch: Callable[[], bool] = bool,
    ):
        """`preferences` is the operator's default list, best first; `routes` has one for each language.

        If `may_fetch` returns True, a named model need not be installed yet: it will be fetched.
        """
        self._catalogue = catalogue
        self._store = store
        self._may_fetch = may_fetch
        self.change(preferences, routes)

    def change(self, preferences: Sequence[str], routes: Mapping[str, Sequence[str]] | None = None) -> None:
        """Replace the lists."""
        self._preferences = preferences
        self._routes = {code.casefold(): tuple(names) for code, names in (routes or {}).items()}
        for name in {name for names in self._routes.values() for name in names}:
            if self._catalogue.find(name) is None:
                log.warning("[routing] names a model '%s', which no plugin has", name)

    @property
    def has_routes(self) -> bool:
        """Whether any language has a list of its own."""
        return bool(self._routes.keys() - {DEFAULT})

    def usable(self) -> list[Model]:
        """Return the models that write text and whose files are installed, in the plugins' order."""
        return [model for model in self._catalogue if model.transcribes and self._here(model)]

    def here(self) -> list[Model]:
        """Return the models of all kinds whose files are installed, in the plugins' order."""
        return [model for model in self._catalogue if self._here(model)]

    def known(self) -> list[str]:
        """Return the ids of all models that clients name, installed ones first."""
        named = [model for model in self._catalogue if model.kind not in UNNAMED]
        return [model.id for model in sorted(named, key=lambda model: not self._here(model))]

    def default(self) -> Model | None:
        """The first usable model of the preference list."""
        return next((model for model in self._preferred() if self._here(model)), None)

    def means_auto(self, name: str | None) -> bool:
        """Tell whether a name leaves the choice to the language: itself, by an alias or as the default."""
        name = name or DEFAULT
        if self._catalogue.means_default(name):
            name = next(iter(self._preferences), DEFAULT)
        return self._catalogue.resolve(name).casefold() == AUTO

    def find(self, name: str) -> Model | None:
        """Return the model of a name, installed or not; in the preference list, installed ones win.

        "auto" means the model that answers if the language is unknown.
        """
        if self.means_auto(name):
            return next(iter(self.candidates(None)), None)
        if self._catalogue.means_default(name):
            return self.default() or next(self._preferred(), None)
        return self._catalogue.find(name)

    def require(self, name: str) -> Model:
        """Return the model of a name, installed or not. Raises ModelNotFound."""
        model = self.find(name)
        if model is None:
            raise ModelNotFound(name, self.known(), failed=self._catalogue.failed)
        return model

    def choose(self, name: str | None) -> Model:
        """Return the model for a request's `model` field.

        Raises ModelNotFound, ModelNotInstalled, and UnsupportedOperation for a model that writes no text.
        """
        model = self.installed(name)
        if not model.transcribes:
            what = WRITES_NO_TEXT[model.kind]
            raise UnsupportedOperation(f"'{model.id}' is a {what}: it writes no text.", param="model")
        return model

    def installed(self, name: str | None) -> Model:
        """Return the installed model of a name, of any kind. Raises ModelNotFound, ModelNotInstalled."""
        name = name or DEFAULT
        model = self.find(name)
        if model is None:
            raise self._unknown(name)
        return self._obtainable(model)

    def diarizer(self, param: str | None = None) -> Model:
        """Return the diarizer: the first that is installed, or else the first.

        Raises ModelNotInstalled, and UnsupportedOperation for the request field `param`.
        """
        known = self._catalogue.of_kind(ModelKind.DIARIZATION)
        if not known:
            raise UnsupportedOperation(
                "Naming speakers needs a diarizer, and none is installed: `pip install "
                "./backends/diarizer` in a clone of Govor adds one.",
                param=param,
            )
        return self._obtainable(next(filter(self._here, known), known[0]))

    def _unknown(self, name: str) -> ModelNotFound:
        """Return the error for an unknown name; for the default, it is about the operator's setting."""
        here = [model.id for model in self.usable()]
        away = [model.id for model in self._catalogue if model.transcribes and model.id not in here]
        missing = partial(ModelNotFound, fetchable=away, failed=self._catalogue.failed)
        if not self._catalogue.means_default(name):
            return missing(name, here)
        if not self._preferences:
            return ModelNotFound(name, here, "means no model: the setting `default_models` is empty")
        return missing(self._preferences[0], here, "of the setting `default_models` does not exist")

    def _obtainable(self, model: Model) -> Model:
        """Return a model that is installed or may be fetched now. Raises ModelNotInstalled."""
        if not self._here(model) and (model.spec.folder or not self._may_fetch()):
            raise ModelNotInstalled(model.id)
        return model

    def candidates(self, language: str | None, needed: Collection[Feature] = ()) -> list[Model]:
        """Return the models that may answer "auto", best first, at least one.

        The language's own list goes first, then that of "default", then `default_models`. Models are left out
        that are not installed, lack a needed feature or do not know the language; if no list has one that
        knows it, the language is ignored. Raises ModelNotFound, ModelNotInstalled.
        """
        names = [name for key in (language or DEFAULT, DEFAULT) for name in self._routes.get(key, ())]
        known = [
            model
            for model in (*self._named(names), *self._preferred())
            if model.spec.features.issuperset(needed)
        ]
        here = [model for model in dict.fromkeys(known) if self._here(model)]
        if not here:
            if known:
                raise ModelNotInstalled(known[0].id)
            raise ModelNotFound(AUTO, [model.id for model in self.usable()])
        return [model for model in here if _knows(model, language)] or here

    def detectors(self) -> list[Model]:
        """Return the models that can detect a language, those of the lists first."""
        models = dict.fromkeys(
            (*self._named(self._routes.get(DEFAULT, ())), *self._preferred(), *self.usable())
        )
        return [model for model in models if Feature.DETECT in model.spec.features and self._here(model)]

    def _here(self, model: Model) -> bool:
        return self._store.state(model) == "installed"

    def _preferred(self) -> Iterator[Model]:
        return self._named(self._preferences)

    def _named(self, names: Iterable[str]) -> Iterator[Model]:
        found = (self._catalogue.find(name) for name in names)
        return (model for model in found if model and model.transcribes)


def _knows(model: Model, language: str | None) -> bool:
    return language is None or not model.spec.languages or language in model.spec.languages
