"""Errors of models, their files and their memory."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from govor.errors.tree import GovorError, RequestError

LISTED = 20
"""Most model names in one message."""

LONGEST_NAME = 200
"""Longest part of a client's model name that is compared and repeated, in characters."""

NOWHERE = "does not exist"

ALIKE = 0.6
"""Least similarity (0..1) of a name that is suggested."""

MUCH_NEARER = 0.1
"""How much more similar (0..1) than any installed model a model must be that is not installed."""


class ModelNotFound(RequestError):
    """No model has this name."""

    status = 404
    code = "model_not_found"

    def __init__(
        self,
        name: str,
        known: list[str],
        fault: str = NOWHERE,
        *,
        fetchable: Sequence[str] = (),
        failed: Sequence[str] = (),
    ):
        """`known`: model names, the installed ones first; `fetchable`: models that are not installed;
        `failed`: plugins whose models are missing. Models of the family that the name begins with are
        listed first.
        """
        name = name[:LONGEST_NAME]
        known = sorted(known, key=lambda model: not (name and model.startswith(name)))
        near = _nearest(name, known, fetchable)
        meant = f" Did you mean '{near}'?" if near else ""
        if near and near not in known:
            meant += f" It is not installed: `govor pull {near}` fetches it."
        if failed:
            names = " and ".join(f"'{plugin}'" for plugin in failed)
            meant += f" The models of the plugin {names} are missing, as it failed: `govor plugins` says why."
        more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
        listed = (", ".join(known[:LISTED]) or "none") + more
        message = f"The model '{name}' {fault}.{meant} Available: {listed}."
        if not known and not fetchable and not failed and fault.endswith(NOWHERE):
            message += (
                " No plugin that has models is ready; `govor plugins` lists them. `pip install "
                "'govor[default]'` adds Whisper, GigaAM and voice detection; in a clone, `pip install "
                "./backends/whisper ./backends/silero` does."
            )
        super().__init__(message, param="model")


def _nearest(name: str, known: Sequence[str], fetchable: Sequence[str]) -> str:
    """Return the model that the client likely means, an installed one if it is as similar; "": none."""
    begun = [model for model in known if name and model.startswith(name)]
    if begun:
        return min(begun, key=len)
    (here, near), (away, nearer) = _likest(name, known), _likest(name, fetchable)
    return away if nearer > near + MUCH_NEARER else here or away


def _likest(name: str, models: Sequence[str]) -> tuple[str, float]:
    """Return the most similar model name (the first of equals) and its similarity; "" if there is none."""
    likeness = {model: SequenceMatcher(None, model, name).ratio() for model in models}
    best = max(likeness, key=lambda model: likeness[model], default="")
    return (best, likeness[best]) if best and likeness[best] >= ALIKE else ("", 0.0)


class ModelNotInstalled(RequestError):
    """The model is known, but its files are not installed."""

    status = 404
    code = "model_not_found"

    def __init__(self, name: str, *, idle: str = ""):
        """`idle`: the operation that has nothing to work on, as "delete"."""
        if idle:
            super().__init__(
                f"The model '{name}' is not installed: there is nothing to {idle}.", param="model"
            )
            return
        how = f'`govor pull {name}` or with POST /v1/models and the body {{"model": "{name}"}}'
        message = f"The model '{name}' is known but not installed. Fetch it with {how}."
        super().__init__(message, param="model")


class DownloadForbidden(RequestError):
    """The operator does not allow this model, or any model, to be fetched."""

    status = 403
    code = "download_forbidden"


class ModelProtected(RequestError):
    """The server may not delete the model's files."""

    status = 409
    code = "model_protected"


class DownloadCancelled(RequestError):
    """The download was cancelled."""

    status = 409
    code = "download_cancelled"


class ModelBusy(RequestError):
    """The model is in use and cannot be unloaded now."""

    status = 409
    code = "model_busy"


class AlreadyLoaded(RequestError):
    """The model is already in memory."""

    status = 409
    code = "already_loaded"


class ModelUnloaded(GovorError):
    """An administrator unloaded the model while it worked on this request."""

    status = 503
    code = "model_unloaded"


class InsufficientMemory(GovorError):
    """The model does not fit into the memory that the operator allows models."""

    status = 503
    code = "insufficient_memory"


class LoadFailed(GovorError):
    """A model cannot be loaded here: a file is damaged, the device is missing, a library is absent."""

    status = 503
    code = "backend_unavailable"


class BackendUnavailable(GovorError):
    """A model in memory can work no more: its process has ended, its device is lost.

    A recognizer raises it in any call. The core then closes the model, loads it again and repeats the call
    once.
    """

    status = 503
    code = "backend_unavailable"


class DownloadFailed(GovorError):
    """A file of a model could not be fetched, or its checksum is wrong."""

    status = 502
    code = "download_failed"
