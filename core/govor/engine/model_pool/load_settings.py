"""What is wished for a model's life in memory, from all tables that mean it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from govor.contract.models import Placement
from govor.models.catalogue import Model
from govor.settings import Settings
from govor.settings.model import ModelSettings


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How one model is to be loaded, and how long it is to stay."""

    placement: Placement
    ttl: float = -1
    """Seconds that it stays unused; negative: as long as the server runs, 0: not at all."""
    pinned: bool = False
    """Neither its ttl nor another's need of room unloads it."""


class LoadSettingsTable:
    """Wishes by model: what was said since the start goes before [models.ID], and that before the rest."""

    def __init__(
        self, device: str = "auto", ttl: float = -1, tables: Mapping[str, ModelSettings] | None = None
    ):
        """`tables` by id, alias or plugin/id; punctuation in a name may be written as underscores."""
        self._general = ModelSettings(device=device, ttl=ttl)
        self._tables = tables or {}
        self._told: dict[str, ModelSettings] = {}

    @classmethod
    def of_settings(cls, settings: Settings) -> LoadSettingsTable:
        """Take them from the operator's settings."""
        return cls(settings.device, settings.ttl, settings.models)

    def change(self, settings: Settings) -> None:
        """Take the operator's settings anew; what was said since the start goes on before them."""
        self._general = ModelSettings(device=settings.device, ttl=settings.ttl)
        self._tables = settings.models

    def of(self, model: Model) -> LoadSettings:
        """Return what is wished for a model now."""
        said = self._said(model)
        placement = Placement(
            said.device or "auto", said.threads or 0, said.workers or 0, said.precision or "auto"
        )
        return LoadSettings(placement, -1 if said.ttl is None else said.ttl, bool(said.pin))

    def preloads(self, model: Model) -> bool:
        """Tell whether its own table wants it loaded at start."""
        return bool(self._said(model).preload)

    def tell(self, model: Model, said: ModelSettings) -> None:
        """Take in what an administrator says of a model; it holds until the server stops."""
        self._told[model.qualified] = said.over(self.told(model))

    def told(self, model: Model) -> ModelSettings:
        """Return what was said of a model since the start."""
        return self._told.get(model.qualified, ModelSettings())

    def retell(self, model: Model, told: ModelSettings) -> None:
        """Go back to what was said before."""
        self._told[model.qualified] = told

    def unknown_names(self, models: list[Model]) -> list[str]:
        """Names of tables that mean none of these models."""
        known = {_plain(name) for model in models for name in _names(model)}
        return [name for name in self._tables if _plain(name) not in known]

    def _said(self, model: Model) -> ModelSettings:
        said = self._general
        names = {_plain(name): name for name in reversed(_names(model))}
        mine = [name for name in self._tables if _plain(name) in names]
        # the environment's names have underscores, and it goes before the file
        for name in sorted(mine, key=lambda name: name == _plain(name)):
            said = self._tables[name].over(said)
        return self.told(model).over(said)


def _names(model: Model) -> list[str]:
    return [model.id, model.spec.id, model.qualified, *model.aliases]


def _plain(name: str) -> str:
    """Return a name as an environment variable can carry it."""
    return "".join(letter if letter.isalnum() else "_" for letter in name.casefold())
