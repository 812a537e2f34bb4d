"""Which model a request means. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from govor.errors import ModelNotFound, ModelNotInstalled
from govor.models.catalogue import DEFAULT, Catalogue, Model
from govor.models.store import Store


class Router:
    """Names to models that can answer now."""

    def __init__(self, catalogue: Catalogue, store: Store, preferences: Sequence[str]):
        """`preferences` is the operator's default list, best first."""
        self._catalogue = catalogue
        self._store = store
        self._preferences = preferences

    def usable(self) -> list[Model]:
        """Models whose files are here, in the plugins' order."""
        return [model for model in self._catalogue if self._store.state(model) == "installed"]

    def default(self) -> Model | None:
        """The first usable model of the preference list."""
        named = (self._catalogue.find(name) for name in self._preferences)
        return next((model for model in named if model and self._store.state(model) == "installed"), None)

    def choose(self, name: str | None) -> Model:
        """Return the model for a request's `model` field. Raises ModelNotFound or ModelNotInstalled."""
        if not name or self._catalogue.means_default(name):
            return self.default() or self._explain_no_default(name or DEFAULT)
        model = self._catalogue.find(name)
        if model is None:
            raise ModelNotFound(name, self._known())
        if self._store.state(model) != "installed":
            raise ModelNotInstalled(model.id)
        return model

    def _explain_no_default(self, name: str) -> NoReturn:
        for preferred in self._preferences:
            if model := self._catalogue.find(preferred):
                raise ModelNotInstalled(model.id)
        raise ModelNotFound(name, self._known())

    def _known(self) -> list[str]:
        return [model.id for model in self.usable()]
