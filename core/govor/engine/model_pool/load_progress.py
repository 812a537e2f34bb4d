"""The progress of one load, as its plugin reports it: for display, for observers, at times for the log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from govor.contract.machine.loading import REPORT
from govor.events import Observer
from govor.plain import escape

LOG_SECONDS = 10.0
"""Least seconds between two lines of the log about one load."""

STEP = 0.01
"""Least progress, as a share of the load, that observers are told of within one stage."""

LONGEST_STAGE = 100
"""Most letters of a stage that are shown."""

log = logging.getLogger(__name__)


class LoadProgress:
    """How far one load is. Any thread may report; observers are called in the event loop."""

    def __init__(self, model: str, observer: Observer, clock: Callable[[], float] = time.monotonic):
        """`model` is the id of the model that is loaded."""
        self.fraction: float | None = None
        """Share of the load that is done, 0 to 1; None: it reports none."""
        self.stage = ""
        """The step that it is at, in the plugin's words; "": unknown."""
        self._model = model
        self._observer = observer
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._logged = clock()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Take what is reported in this block, and in the threads that it starts."""
        token = REPORT.set(self._report)
        try:
            yield
        finally:
            REPORT.reset(token)

    def _report(self, fraction: float, stage: str) -> None:
        stage = escape(stage[:LONGEST_STAGE])
        before = self.fraction
        if stage == self.stage and before is not None and abs(fraction - before) < STEP:
            return
        self.fraction, self.stage = fraction, stage
        self._loop.call_soon_threadsafe(self._observer.loading, self._model, fraction, stage)
        if self._clock() - self._logged >= LOG_SECONDS:
            self._logged = self._clock()
            log.info("Loading '%s': %.0f %%%s", self._model, 100 * fraction, f", {stage}" if stage else "")
