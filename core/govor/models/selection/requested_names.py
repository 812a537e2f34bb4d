"""Under which of its names a model is asked for: clients that compare look for the name they sent.

Knows nothing of HTTP.
"""

from __future__ import annotations

from govor.events import Observer
from govor.models.catalogue import Model

MOST = 8
"""Names of one model that are kept, the latest ones: a client may write an alias in any case."""

GONE = frozenset({"unloaded", "expired", "evicted"})


def answering_id(asked: str, model: Model) -> str:
    """Return the id that a client knows a model by: its own alias, if it asked so, else the model's id.

    Names of the default mean whatever model is the default now, and are no model's own.
    """
    own = {alias.casefold() for alias in model.aliases}
    return asked if asked.casefold() in own else model.id


class RequestedNames(Observer):
    """The names by which models in memory were asked for."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def note(self, asked: str, model: Model) -> None:
        """A client asks for this model, by this name."""
        name, names = answering_id(asked, model), self._names.setdefault(model.id, [])
        if name in names:
            names.remove(name)
        names.append(name)
        del names[:-MOST]

    def of(self, model: Model) -> list[str]:
        """Return the names that a model was asked by since it last left memory; its id where nobody asked."""
        return list(self._names.get(model.id, ())) or [model.id]

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        if what in GONE:
            self._names.pop(model, None)
