"""Pass each request and event of the engine to all observers of one server."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from govor.engine.service import Service
from govor.events import Observer, Report
from govor.observe.access_log import log_request
from govor.observe.metrics import Metrics
from govor.observe.request import RequestRecord, current
from govor.observe.tracing import Tracing, tracing_of_environment

log = logging.getLogger(__name__)


class ObserverHub(Observer):
    """Metrics, traces and the access log, as the settings and the environment configure them."""

    def __init__(self, service: Service, tracing: Tracing | None = None):
        self._service = service
        self.figures = Metrics(service) if service.settings.metrics != "off" else None
        """None: metrics are off."""
        self._tracing = tracing or tracing_of_environment()
        service.observers.add(self)
        if self.figures:
            service.observers.add(self.figures)

    def came(self, record: RequestRecord) -> None:
        """A request has begun."""
        with _harmless():
            if self.figures:
                self.figures.came()
            if self._tracing:
                self._tracing.came(record)

    def left(self, record: RequestRecord) -> None:
        """A request has been answered, or its client has disconnected."""
        record.seconds = time.monotonic() - record.began
        with _harmless():
            if self._service.settings.access_log:
                log_request(record)
            if self.figures:
                self.figures.left(record)
            if self._tracing:
                self._tracing.left(record)

    def socket(self, change: int) -> None:
        """A WebSocket was opened, or closed."""
        if self.figures:
            self.figures.socket(change)

    def transcribed(self, report: Report) -> None:
        record = None if report.background else current()
        if record is not None:
            record.audio_seconds += report.audio_seconds
            record.model = report.model
        if self._tracing:
            self._tracing.transcribed(report, record)

    def close(self) -> None:
        """Send all pending traces."""
        if self._tracing:
            self._tracing.close()


@contextmanager
def _harmless() -> Iterator[None]:
    """Keep an observer's error from failing the request."""
    try:
        yield
    except Exception:
        log.exception("An observer of a request failed")
