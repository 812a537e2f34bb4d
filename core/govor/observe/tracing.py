"""OpenTelemetry traces, if the environment configures them and `govor[otel]` is installed."""

from __future__ import annotations

import logging
import os
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from govor.events import Report
from govor.observe.request import RequestRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

log = logging.getLogger(__name__)


def tracing_of_environment() -> Tracing | None:
    """Return traces as the standard variables OTEL_* configure them; None: not configured, or impossible."""
    chosen = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    chosen = chosen or ("otlp" if any(os.environ.get(name) for name in ENDPOINTS) else "none")
    if chosen == "none" or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        log.warning("OTEL_* asks for traces, but OpenTelemetry is not installed: govor[otel] brings it")
        return None
    processor = _processor(chosen)
    return Tracing(processor) if processor else None


def _processor(exporter: str) -> SpanProcessor | None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

    if exporter == "console":
        return SimpleSpanProcessor(ConsoleSpanExporter())
    if exporter != "otlp":
        log.warning("OTEL_TRACES_EXPORTER is %r; known are otlp, console and none", exporter)
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter())


class Tracing:
    """A span for each request, with decode, queue and recognise below it. Runs in the event loop."""

    def __init__(self, processor: SpanProcessor):
        """`processor` gets the spans that have ended."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        resource = Resource.create({} if named else {"service.name": "govor"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("govor")

    def came(self, record: RequestRecord) -> None:
        """Begin the span of a request, below its client's if the request names one."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract({"traceparent": record.parent})
        record.span = self._tracer.start_span(record.verb, parent, SpanKind.SERVER)

    def left(self, record: RequestRecord) -> None:
        """End the span of a request."""
        from opentelemetry.trace import StatusCode

        span = record.span
        span.update_name(f"{record.verb} {record.template}")
        span.set_attributes(
            {
                "http.request.method": record.verb,
                "http.route": record.template,
                "http.response.status_code": record.status,
                "govor.request_id": record.id,
                "govor.dialect": record.dialect,
            }
        )
        if record.code:
            span.set_attribute("error.type", record.code)
        if record.status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def transcribed(self, report: Report, record: RequestRecord | None) -> None:
        """Add the spans of a recording; those of a job are a trace of their own."""
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        context: Any = set_span_in_context(record.span) if record and record.span else Context()
        whole = self._tracer.start_span("transcribe", context, start_time=_nanoseconds(report.began))
        whole.set_attributes(
            {
                "govor.model": report.model,
                "govor.task": report.task,
                "govor.outcome": report.outcome,
                "govor.audio_seconds": report.audio_seconds,
                "govor.decode_seconds": report.decode_seconds,
                "govor.processing_seconds": report.processing_seconds,
            }
        )
        below = set_span_in_context(whole)
        for step in report.steps:
            span = self._tracer.start_span(step.name, below, start_time=_nanoseconds(step.begun))
            span.end(_nanoseconds(step.ended))
        whole.end(_nanoseconds(report.ended))

    def close(self) -> None:
        """Send all pending spans."""
        self._provider.shutdown()


def _nanoseconds(moment: float) -> int:
    """Convert a time of the monotonic clock to nanoseconds since 1970."""
    return time.time_ns() - round((time.monotonic() - moment) * 1e9)
