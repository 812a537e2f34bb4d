"""OpenTelemetry: a span for each request, its steps below, in the trace of the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from govor.observe import tracing
from govor.observe.tracing import Tracing, tracing_of_environment
from support.waiting import eventually

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Exporter of the spans of servers that are started after this."""
    exporter = InMemorySpanExporter()
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setattr(tracing, "_processor", lambda name: SimpleSpanProcessor(exporter))
    return exporter


def test_a_request_is_a_span_with_its_steps_below(
    serve: Any, samples: Path, exporter: InMemorySpanExporter
) -> None:
    files = {"file": ("a.wav", (samples / "ru_short.wav").read_bytes())}
    headers = {"traceparent": PARENT, "x-request-id": "from-the-client"}
    with serve(preload=()).client() as client:
        path = "/v1/audio/transcriptions"
        assert client.post(path, files=files, data={"model": "echo"}, headers=headers).status_code == 200
        assert eventually(lambda: any(span.name.startswith("POST") for span in exporter.get_finished_spans()))
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert {"POST /v1/audio/transcriptions", "transcribe", "decode", "queue", "recognise"} <= spans.keys()
    request, whole = spans["POST /v1/audio/transcriptions"], spans["transcribe"]
    assert f"{request.context.trace_id:032x}" == PARENT.split("-")[1]
    assert request.attributes["govor.request_id"] == "from-the-client"
    assert request.attributes["http.response.status_code"] == 200
    assert whole.parent.span_id == request.context.span_id
    assert whole.attributes["govor.model"] == "echo"
    for step in ("decode", "queue", "recognise"):
        assert spans[step].parent.span_id == whole.context.span_id
        assert request.start_time <= spans[step].start_time <= spans[step].end_time <= request.end_time


def test_without_the_variables_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_TRACES_EXPORTER", *tracing.ENDPOINTS):
        monkeypatch.delenv(name, raising=False)
    assert tracing_of_environment() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert tracing_of_environment() is None


def test_the_standard_variables_turn_them_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    found = tracing_of_environment()
    assert isinstance(found, Tracing)
    found.close()


def test_without_the_packages_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(tracing, "find_spec", lambda name: None)
    assert tracing_of_environment() is None
    assert "govor[otel]" in caplog.text
