"""How each model is loaded and how long it stays, merged from all settings that concern it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from govor.contract.models import ModelKind, RuntimeOptions
from govor.models.catalogue import Model
from govor.settings import Settings
from govor.settings.model import ModelSettings, plain_name, settings_of


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How one model is loaded, and how long it stays in memory."""

    runtime: RuntimeOptions
    ttl: float = -1
    """Seconds without use after which it is unloaded; negative: never, 0: at once."""
    pinned: bool = False
    """Whether it stays regardless of `ttl` and of the memory that other models need."""


class LoadSettingsTable:
    """Settings by model. A change at run time overrides [models.ID], which overrides the general settings."""

    def __init__(
        self, device: str = "auto", ttl: float = -1, tables: Mapping[str, ModelSettings] | None = None
    ):
        """`tables` has ids, aliases or plugin/id as keys; underscores may stand for punctuation."""
        self._general = ModelSettings(device=device, ttl=ttl)
        self._tables = tables or {}
        self._overrides: dict[str, ModelSettings] = {}
        self.may_fetch = False
        """Whether a load may fetch files that are missing."""

    @classmethod
    def of_settings(cls, settings: Settings) -> LoadSettingsTable:
        """Return the table of the operator's settings."""
        table = cls()
        table.change(settings)
        return table

    def change(self, settings: Settings) -> None:
        """Replace the operator's settings; changes at run time still override them."""
        self._general = ModelSettings(device=settings.device, ttl=settings.ttl)
        self._tables = settings.models
        self.may_fetch = settings.auto_pull and settings.download != "off"

    def of(self, model: Model) -> LoadSettings:
        """Return the settings of a model now."""
        said = self._said(model)
        if model.kind is ModelKind.VAD and self._own(model).ttl is None:
            said = said.model_copy(update={"ttl": -1})  # it is small, and every request needs it
        runtime = RuntimeOptions(
            said.device or "auto", said.threads or 0, said.workers or 0, said.precision or "auto"
        )
        return LoadSettings(runtime, -1 if said.ttl is None else said.ttl, bool(said.pin))

    def preloads(self, model: Model) -> bool:
        """Return whether the model's own table asks for it to be loaded at the start."""
        return bool(self._said(model).preload)

    def override(self, model: Model, said: ModelSettings) -> None:
        """Override settings of a model until the server stops."""
        self._overrides[model.qualified] = said.over(self.overrides(model))

    def overrides(self, model: Model) -> ModelSettings:
        """Return the settings of a model that were overridden since the start."""
        return self._overrides.get(model.qualified, ModelSettings())

    def restore(self, model: Model, overrides: ModelSettings) -> None:
        """Replace the overridden settings of a model: to undo a change."""
        self._overrides[model.qualified] = overrides

    def unknown_names(self, models: list[Model]) -> list[str]:
        """Return the names of tables that match none of these models."""
        known = {plain_name(name) for model in models for name in model.names}
        return [name for name in self._tables if plain_name(name) not in known]

    def _said(self, model: Model) -> ModelSettings:
        return self._own(model).over(self._general)

    def _own(self, model: Model) -> ModelSettings:
        """Return the settings of this model alone."""
        return self.overrides(model).over(settings_of(model.names, self._tables))
