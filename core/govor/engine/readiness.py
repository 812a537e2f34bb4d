"""Checks whether a request would be answered now, as the request itself would be checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from govor.engine.model_pool.pool import Pool
from govor.engine.transcription.model_choice import ModelSelector
from govor.errors import (
    BackendUnavailable,
    DownloadFailed,
    GovorError,
    InsufficientMemory,
    LoadFailed,
    ModelNotFound,
    ModelNotInstalled,
)
from govor.models.catalogue import Model
from govor.models.files.downloads import Downloads


@dataclass(frozen=True, slots=True)
class NotReady:
    """The reason why no request would be answered now."""

    reason: str
    """A code that stays the same from version to version."""
    message: str
    """A sentence that every client may read: without paths, and without messages of libraries."""


Check = Callable[[], NotReady | None]
"""Checks one thing without waiting; None: it is no obstacle."""


def first_obstacle(checks: list[Check]) -> NotReady | None:
    """Return the first obstacle to a request; None: a request would be answered."""
    return next((found for check in checks if (found := check()) is not None), None)


@dataclass(frozen=True, slots=True)
class DefaultAnswers:
    """Checks whether a request without a `model` finds one: as for a request, up to the load."""

    chooser: ModelSelector
    pool: Pool
    downloads: Downloads

    def __call__(self) -> NotReady | None:
        """Return the obstacle: no_model, model_not_found, model_failed or insufficient_memory."""
        try:
            models = self.chooser.answering(None)
        except (ModelNotFound, ModelNotInstalled) as error:
            if self.chooser.router.usable():
                return NotReady(error.code, str(error))
            return NotReady("no_model", f"No model that writes text is installed. {error}")
        found = [self._obstacle(model) for model in models]
        return found[-1] if all(found) else None

    def _obstacle(self, model: Model) -> NotReady | None:
        try:
            self.pool.check(model)
        except (BackendUnavailable, LoadFailed, DownloadFailed) as error:
            return _failed(model, error)
        except InsufficientMemory as error:
            return NotReady(error.code, str(error))
        if self.downloads.failure(model) and self.pool.state(model) == "available":
            return NotReady("model_failed", f"'{model.id}' could not be fetched; the log says why.")
        return None


def _failed(model: Model, error: GovorError) -> NotReady:
    what = "fetched" if isinstance(error, DownloadFailed) else "loaded"
    return NotReady("model_failed", f"'{model.id}' could not be {what}; the log says why.")
