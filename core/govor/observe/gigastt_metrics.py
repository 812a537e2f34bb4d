"""Metrics under the names that gigastt's dashboards use."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from govor.observe.request import RequestRecord


class GigasttMetrics:
    """The counted metrics; `gauges` has the others."""

    def __init__(self, registry: CollectorRegistry):
        self._requests = Counter(
            "gigastt_http_requests", "Total HTTP requests", ["method", "path", "status"], registry=registry
        )
        self._durations = Histogram(
            "gigastt_http_request_duration_seconds", "Requests.", ["method", "path"], registry=registry
        )
        self.inferences = Histogram("gigastt_inference_duration_seconds", "Calls.", registry=registry)
        self.checkouts = Histogram("gigastt_pool_checkout_duration_seconds", "Waits.", registry=registry)
        self._timeouts = Counter("gigastt_pool_timeouts", "Waited too long.", registry=registry)
        self._rejections = Counter("gigastt_rate_limit_rejections", "Came too often.", registry=registry)
        self.sockets = Gauge("gigastt_ws_active_connections", "WebSockets open.", registry=registry)

    def left(self, record: RequestRecord) -> None:
        """Count an answered request."""
        self._requests.labels(record.verb, record.template, str(record.status)).inc()
        self._durations.labels(record.verb, record.template).observe(record.seconds or 0.0)
        self._timeouts.inc(record.code == "timeout")
        self._rejections.inc(record.code == "rate_limited")
