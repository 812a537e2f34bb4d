"""Checks the folders that a server writes to: at its start, and again when a readiness probe asks."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from govor.engine.readiness import NotReady
from govor.errors import ConfigurationError, InsufficientStorage
from govor.models.catalogue import Model
from govor.models.files.store import Store
from govor.settings import Settings

PROBE_BYTES = 65_536
"""A disk counts as full if it does not take so many bytes."""

LOOK_SECONDS = 2.0
"""Least seconds between two checks, however often probes ask."""

log = logging.getLogger(__name__)


class Folders:
    """Checks the folders; a call returns why uploads or requests for the default model would be refused now.

    Every client may read the result, so it names no folder; the log does.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        wanted: Callable[[], Model | None],
        clock: Callable[[], float] = time.monotonic,
    ):
        """`wanted` returns the default model while it is not loaded; None: it is loaded, or there is none."""
        self._settings = settings
        self._store = store
        self._wanted = wanted
        self._clock = clock
        self._looked = float("-inf")
        self.trouble = ""
        self.data_trouble = ""
        """The reason why no job can be stored now; "": jobs can be stored."""

    def __call__(self) -> NotReady | None:
        """Return the result of the last `look`."""
        return NotReady(InsufficientStorage.code, self.trouble) if self.trouble else None

    def check(self) -> None:
        """Log why a folder cannot be written to and what to set. Raises ConfigurationError for uploads."""
        if why := self._spool():
            raise ConfigurationError(
                f"Uploads cannot be kept in {self._place()}: {why}. Set spool_dir to a folder that can be "
                "written to."
            )
        models, data = self._store.root, self._settings.data_dir
        if why := refusal(models):
            log.warning(
                "Models cannot be kept in %s: %s. Models in it can answer; set models_dir to have more",
                models,
                why,
            )
        if self._settings.jobs_limit and (why := refusal(data)):
            log.warning("Jobs cannot be kept in %s: %s. Until data_dir is another, there are none", data, why)
        if not self._settings.offline and (why := refusal(cache := hub_cache())):
            log.info("The hub's cache %s gets no files: %s. Set HF_HOME to share them", cache, why)

    async def look(self) -> None:
        """Check the folders that requests need, unless the last check is less than `LOOK_SECONDS` old."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            before = self.trouble
            self.trouble, self.data_trouble = await asyncio.to_thread(self._find)
            if self.trouble and self.trouble != before:
                log.error("%s Uploads lie in %s, models in %s", self.trouble, self._place(), self._store.root)

    def _find(self) -> tuple[str, str]:
        data = refusal(self._settings.data_dir) if self._settings.jobs_limit else ""
        found = [("Uploads", self._spool()), ("The files of the default model", self._models())]
        troubles = [f"{what} cannot be kept: {why}." for what, why in found if why]
        return next(iter(troubles), ""), f"Jobs cannot be kept: {data}." if data else ""

    def _place(self) -> str:
        return str(self._settings.spool_dir or "the system's folder for temporary files")

    def _spool(self) -> str:
        try:
            return refusal(self._settings.spool_dir or Path(tempfile.gettempdir()), made=False)
        except OSError:
            return "there is no folder for temporary files"

    def _models(self) -> str:
        """Return why the default model's missing files cannot be stored; "": they can, or none is missing."""
        model = self._wanted()
        if model is None or model.spec.folder or self._store.complete(model):
            return ""
        folder, need = self._store.root, self._store.size(model) or 0
        why = refusal(folder)
        if not why and (free := shutil.disk_usage(_existing(folder)).free) < need:
            why = f"'{model.id}' takes {need / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free"
        return why


def refusal(folder: Path, *, made: bool = True) -> str:
    """Return why a folder cannot be written to; "": it can. If `made`, the server may make the folder."""
    try:
        if folder.is_dir() or not made:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
            return ""
        place = _existing(folder)
        if not place.is_dir():
            return "Not a directory"
        return "" if os.access(place, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        return error.strerror or str(error)


def hub_cache() -> Path:
    """Return the folder of the hub's client, by the variables in huggingface_hub's constants.py."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{home}/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())
