"""Gauges that are read when metrics are requested: queues, workers, models, memory, jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from govor.engine.model_pool.process_memory import resident_bytes
from govor.engine.service import Service


class StateCollector(Collector):
    """Reads a service. Runs in its event loop."""

    def __init__(self, service: Service):
        self._service = service
        self.jobs: Mapping[str, int] = {}
        """Number of jobs by status."""

    def collect(self) -> Iterator[Metric]:
        """Yield the current gauges."""
        service = self._service
        yield _gauge("govor_ready", "1: the server would answer now.", float(service.not_ready() is None))
        yield _gauge(
            "govor_requests_admitted",
            "Transcriptions that hold an admission ticket.",
            service.admission.inside,
        )
        yield _gauge("govor_downloads_in_progress", "Models being fetched.", service.downloads.under_way)
        if (memory := resident_bytes()) is not None:
            yield _gauge("govor_resident_memory_bytes", "Memory of the process.", memory)
        faults = CounterMetricFamily(
            "govor_decoder_faults", "Recordings that made a decoder fail.", labels=["reason"]
        )
        for reason, count in service.decoders.faults.items():
            faults.add_metric([reason], count)
        yield faults
        yield from self._models()
        jobs = GaugeMetricFamily("govor_jobs", "Jobs that are kept, by status.", labels=["status"])
        for status, count in self.jobs.items():
            jobs.add_metric([status], count)
        yield jobs

    def _models(self) -> Iterator[Metric]:
        pool = self._service.pool.snapshot()
        here = pool.loaded
        yield _gauge("govor_models_loaded", "Models in memory.", len(here))
        yield _gauge("govor_models_memory_bytes", "Memory that models hold or are promised.", pool.used)
        memory = GaugeMetricFamily("govor_model_memory_bytes", "Memory of a loaded model.", labels=["model"])
        depth = GaugeMetricFamily("govor_queue_depth", "Chunks that wait for a worker.", labels=["model"])
        workers = GaugeMetricFamily("govor_workers", "Workers of a loaded model.", labels=["model"])
        busy = GaugeMetricFamily("govor_workers_busy", "Workers that are busy.", labels=["model"])
        for each in here:
            name = [each.model.id]
            memory.add_metric(name, each.held)
            depth.add_metric(name, each.waiting)
            workers.add_metric(name, each.workers)
            busy.add_metric(name, each.busy)
        yield from (memory, depth, workers, busy)
        if self._service.settings.metrics_gigastt:
            idle = sum(each.workers - each.busy for each in here)
            yield _gauge("gigastt_pool_available", "Idle workers.", idle)
            yield _gauge("gigastt_pool_waiters", "Chunks that wait.", sum(each.waiting for each in here))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
