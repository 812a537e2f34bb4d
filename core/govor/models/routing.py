"""Which model a request means. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
        return next((model for model in self._preferred() if self._store.state(model) == "installed"), None)

    def find(self, name: str) -> Model | None:
        """Return what a name means, installed or not; of the preference list, what is here goes first."""
        if self._catalogue.means_default(name):
            return self.default() or next(self._preferred(), None)
        return self._catalogue.find(name)

    def choose(self, name: str | None) -> Model:
        """Return the model for a request's `model` field. Raises ModelNotFound or ModelNotInstalled."""
        model = self.find(name or DEFAULT)
        if model is None:
            raise ModelNotFound(name or DEFAULT, [model.id for model in self.usable()])
        if self._store.state(model) != "installed":
            raise ModelNotInstalled(model.id)
        return model

    def _preferred(self) -> Iterator[Model]:
        named = (self._catalogue.find(name) for name in self._preferences)
        return (model for model in named if model)
