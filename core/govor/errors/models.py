"""What can be wrong with a model, its files or its place in memory."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from govor.errors.tree import GovorError, RequestError

LISTED = 20
"""Names of models that a message has at most."""

LONGEST_NAME = 200
"""Letters of a client's name for a model that are looked at and told."""

NOWHERE = "does not exist"

ALIKE = 0.6
"""Least likeness, of 1, of a name that may be meant."""

MUCH_NEARER = 0.1
"""By how much, of 1, a model that is not installed must be more alike than one that is."""


class ModelNotFound(RequestError):
    """No model answers to this name."""

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
        """`known`: those that are here first; `fetchable`: models that are not installed; `failed`: plugins
        whose models are missing. Models of the family that the name begins are listed first."""
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
    """Return which model is likely meant, one that is here before others that are as near; "": none is."""
    begun = [model for model in known if name and model.startswith(name)]
    if begun:
        return min(begun, key=len)
    (here, near), (away, nearer) = _likest(name, known), _likest(name, fetchable)
    return away if nearer > near + MUCH_NEARER else here or away


def _likest(name: str, models: Sequence[str]) -> tuple[str, float]:
    """Return the model whose name is the most alike, and how much: the first of several, "" where none is."""
    likeness = {model: SequenceMatcher(None, model, name).ratio() for model in models}
    best = max(likeness, key=lambda model: likeness[model], default="")
    return (best, likeness[best]) if best and likeness[best] >= ALIKE else ("", 0.0)


class ModelNotInstalled(RequestError):
    """The model is known, but its files are not here."""

    status = 404
    code = "model_not_found"

    def __init__(self, name: str, *, idle: str = ""):
        """`idle`: what there is not to do for want of files, as "delete"."""
        if idle:
            super().__init__(
                f"The model '{name}' is not installed: there is nothing to {idle}.", param="model"
            )
            return
        how = f'`govor pull {name}` or with POST /v1/models and the body {{"model": "{name}"}}'
        message = f"The model '{name}' is known but not installed. Fetch it with {how}."
        super().__init__(message, param="model")


class DownloadForbidden(RequestError):
    """The operator does not let models be fetched, or not this one."""

    status = 403
    code = "download_forbidden"


class ModelProtected(RequestError):
    """The model's files are not the server's to delete."""

    status = 409
    code = "model_protected"


class DownloadCancelled(RequestError):
    """Somebody called the download off."""

    status = 409
    code = "download_cancelled"


class ModelBusy(RequestError):
    """The model is at work and cannot be taken away now."""

    status = 409
    code = "model_busy"


class AlreadyLoaded(RequestError):
    """What is to be loaded is in memory."""

    status = 409
    code = "already_loaded"


class ModelUnloaded(GovorError):
    """An administrator unloaded the model while it was at work on this."""

    status = 503
    code = "model_unloaded"


class InsufficientMemory(GovorError):
    """The model does not fit into what the operator allows models to take."""

    status = 503
    code = "insufficient_memory"


class LoadFailed(GovorError):
    """A model cannot be loaded here: a file is damaged, the device is missing, a library is absent."""

    status = 503
    code = "backend_unavailable"


class DownloadFailed(GovorError):
    """A file of a model could not be fetched or is not what it should be."""

    status = 502
    code = "download_failed"
