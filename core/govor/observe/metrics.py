"""Prometheus metrics of one server, in a registry of its own. No label is a client's choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric

from govor import __version__
from govor.engine.service import Service
from govor.events import Observer, Report
from govor.observe.gauges import StateCollector
from govor.observe.gigastt_metrics import GigasttMetrics
from govor.observe.request import RequestRecord

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LONG = (*SHORT, 120, 300, 600, 1800, 3600)
RATIOS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Metrics(Observer):
    """Counts events, and reads gauges on request."""

    def __init__(self, service: Service):
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody draws
        self._service = service
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._state = StateCollector(service)
        registry.register(self._state)
        self._gigastt = GigasttMetrics(registry) if service.settings.metrics_gigastt else None
        Gauge("govor_build_info", "The version.", ["version"], registry=registry).labels(__version__).set(1)
        self._add_http()
        self._add_work()

    def _add_http(self) -> None:
        registry = self.registry
        labels = ["method", "route", "status", "dialect", "model"]
        self._requests = Counter("govor_http_requests", "Requests answered.", labels, registry=registry)
        self._durations = Histogram(
            "govor_http_request_duration_seconds",
            "From a request's first line to the last byte of its answer.",
            ["method", "route", "dialect"],
            buckets=LONG,
            registry=registry,
        )
        self._under_way = Gauge("govor_http_requests_in_progress", "Requests under way.", registry=registry)
        self._sockets = Gauge("govor_websockets", "WebSocket connections open.", registry=registry)
        self._errors = Counter("govor_errors", "Errors answered, by code.", ["code"], registry=registry)

        self._by_key = Counter(
            "govor_key_requests", "Requests answered, by named key.", ["key", "status"], registry=registry
        )
        self._audio_by_key = Counter(
            "govor_key_audio_seconds", "Seconds of audio read for requests of named keys, jobs apart.",
            ["key"], registry=registry,
        )  # fmt: skip

    def _add_work(self) -> None:
        registry, model = self.registry, ["model"]
        self._transcriptions = Counter(
            "govor_transcriptions",
            "Transcriptions that ended, by outcome.",
            ["model", "task", "outcome"],
            registry=registry,
        )
        self._audio = Counter("govor_audio_seconds", "Seconds of audio read.", model, registry=registry)
        self._processing = Counter(
            "govor_processing_seconds", "Seconds that workers were busy.", model, registry=registry
        )
        self._decoding = Counter("govor_decode_seconds", "Seconds of reading.", registry=registry)
        self._ratios = Histogram(
            "govor_real_time_factor",
            "Seconds of workers for each second of audio, by recording.",
            model,
            buckets=RATIOS,
            registry=registry,
        )
        self._waits = Histogram(
            "govor_queue_wait_seconds",
            "How long recordings waited for their first worker.",
            model,
            buckets=LONG,
            registry=registry,
        )
        self._batches = Histogram(
            "govor_batch_size", "Chunks of audio in one call.", model, buckets=BATCHES, registry=registry
        )
        self._moves = Counter(
            "govor_model_events",
            "Loads, unloads and evictions of models.",
            ["model", "event"],
            registry=registry,
        )
        self._loads = Histogram(
            "govor_model_load_seconds", "How long loading took.", model, buckets=LONG, registry=registry
        )
        self._downloads = Counter(
            "govor_downloads", "Downloads that ended, by outcome.", ["model", "outcome"], registry=registry
        )

    def text(self, jobs: Mapping[str, int]) -> bytes:
        """Return all metrics in Prometheus' text format 0.0.4; `jobs` are the numbers of jobs by status."""
        self._state.jobs = jobs
        return generate_latest(self.registry)

    def families(self) -> Iterable[Metric]:
        """Return the metrics, by name and kind."""
        return self.registry.collect()

    def came(self) -> None:
        """A request has begun."""
        self._under_way.inc()

    def left(self, record: RequestRecord) -> None:
        """A request has been answered."""
        self._under_way.dec()
        verb, route, status = record.verb, record.template, str(record.status)
        self._requests.labels(verb, route, status, record.dialect, self._known(record.model)).inc()
        self._durations.labels(verb, route, record.dialect).observe(record.seconds or 0.0)
        if record.key:
            self._by_key.labels(record.key, status).inc()
            self._audio_by_key.labels(record.key).inc(record.audio_seconds)
        if record.code:
            self._errors.labels(record.code).inc()
        if self._gigastt:
            self._gigastt.left(record)

    def socket(self, change: int) -> None:
        """A WebSocket was opened, or closed."""
        self._sockets.inc(change)
        if self._gigastt:
            self._gigastt.sockets.inc(change)

    def transcribed(self, report: Report) -> None:
        model = self._known(report.model)
        self._transcriptions.labels(model, report.task, report.outcome).inc()
        self._audio.labels(model).inc(report.audio_seconds)
        self._processing.labels(model).inc(report.processing_seconds)
        self._decoding.inc(report.decode_seconds)
        if report.wait_seconds is not None:
            self._waits.labels(model).observe(report.wait_seconds)
        if report.outcome == "completed" and report.audio_seconds > 0:
            self._ratios.labels(model).observe(report.processing_seconds / report.audio_seconds)
        if self._gigastt and report.wait_seconds is not None:
            self._gigastt.checkouts.observe(report.wait_seconds)

    def called(self, model: str, recordings: int, seconds: float) -> None:
        self._batches.labels(self._known(model)).observe(recordings)
        if self._gigastt:
            self._gigastt.inferences.observe(seconds)

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        model = self._known(model)
        self._moves.labels(model, what).inc()
        if seconds is not None:
            self._loads.labels(model).observe(seconds)

    def fetched(self, model: str, outcome: str) -> None:
        self._downloads.labels(self._known(model), outcome).inc()

    def _known(self, model: str) -> str:
        """Return a model's id, or "other" if it is no longer in the catalogue."""
        found = self._service.catalogue.find(model) if model else None
        return found.id if found else "other" if model else ""
