"""Whether a request would be answered now, by the checks that the request itself would meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from govor.engine.model_pool.pool import Pool
from govor.engine.transcription.model_choice import ModelSelector
from govor.errors import (
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
    """Why no request would be answered now."""

    reason: str
    """A code that stays the same from version to version."""
    message: str
    """A sentence. Everybody may read it: it has no paths, and nothing that a library said."""


Check = Callable[[], NotReady | None]
"""Looks at one thing, without waiting; None: it is no obstacle."""


def first_obstacle(checks: list[Check]) -> NotReady | None:
    """Return the first reason against a request; None: it would be answered."""
    return next((found for check in checks if (found := check()) is not None), None)


@dataclass(frozen=True, slots=True)
class DefaultAnswers:
    """The check whether a request without a `model` finds one: the way of a request, up to the load."""

    chooser: ModelSelector
    pool: Pool
    downloads: Downloads

    def __call__(self) -> NotReady | None:
        """Say why it does not: no_model, model_not_found, model_failed, insufficient_memory."""
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
        except (LoadFailed, DownloadFailed) as error:
            return _failed(model, error)
        except InsufficientMemory as error:
            return NotReady(error.code, str(error))
        if self.downloads.failure(model) and self.pool.state(model) == "available":
            return NotReady("model_failed", f"'{model.id}' could not be fetched; the log says why.")
        return None


def _failed(model: Model, error: GovorError) -> NotReady:
    what = "fetched" if isinstance(error, DownloadFailed) else "loaded"
    return NotReady("model_failed", f"'{model.id}' could not be {what}; the log says why.")
