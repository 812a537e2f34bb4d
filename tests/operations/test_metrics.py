"""Prometheus metrics: valid for its own parser, labels bounded, names as documented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from govor.engine.service import Service
from govor.observe.metrics import Metrics
from govor.settings import Settings


def total(samples: list[Any], **labels: str) -> float:
    """Return the sum of the samples that have these labels."""
    return sum(one.value for one in samples if labels.items() <= one.labels.items())


def test_a_transcription_is_counted_with_its_audio_its_wait_and_its_model(
    client: Any, speak: Any, metrics_of: Any
) -> None:
    assert speak(client).status_code == 200
    found = metrics_of(client)
    assert total(found["govor_transcriptions_total"], model="echo", outcome="completed") == 1
    assert total(found["govor_audio_seconds_total"], model="echo") == pytest.approx(1.0, abs=0.01)
    labels = {"route": "/v1/audio/transcriptions", "method": "POST", "status": "200", "dialect": "openai"}
    assert total(found["govor_http_requests_total"], model="echo", **labels) == 1
    assert total(found["govor_model_events_total"], model="echo", event="loaded") == 1
    assert total(found["govor_http_requests_in_progress"]) == 1  # the request for the metrics itself


def test_calls_are_counted_by_their_chunks(client: Any, samples: Path, metrics_of: Any) -> None:
    files = {"file": ("a.wav", (samples / "ru_short.wav").read_bytes())}
    assert client.post("/v1/audio/transcriptions", files=files, data={"model": "echo"}).status_code == 200
    found = metrics_of(client)
    assert total(found["govor_batch_size_count"], model="echo") >= 1
    assert total(found["govor_queue_wait_seconds_count"], model="echo") == 1
    assert total(found["govor_real_time_factor_count"], model="echo") == 1
    assert total(found["govor_processing_seconds_total"], model="echo") > 0
    assert total(found["govor_workers"], model="echo") >= 1
    assert total(found["govor_queue_depth"], model="echo") == 0
    assert total(found["gigastt_inference_duration_seconds_count"]) >= 1
    assert total(found["gigastt_pool_available"]) >= 1


def test_no_client_can_make_a_label(client: Any, speak: Any, metrics_of: Any) -> None:
    assert client.get("/no/such/path-4711").status_code == 404
    assert client.get("/v1/models/model-4711").status_code == 404
    assert speak(client, data={"model": "model-4711"}).status_code == 404
    assert client.request("PURR", "/v1/models").status_code == 405
    text = client.get("/metrics").text
    assert "4711" not in text
    assert "PURR" not in text
    found = metrics_of(client)
    assert total(found["govor_http_requests_total"], route="unmatched", status="404") == 1
    assert total(found["govor_http_requests_total"], route="/v1/models/{name}", status="404") == 1
    assert total(found["govor_errors_total"], code="model_not_found") == 2


def test_the_format_is_text_of_version_0_0_4(client: Any) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "_created" not in response.text


def test_without_the_setting_there_are_none(serve: Any) -> None:
    with serve(preload=()).client() as client:
        response = client.get("/metrics")
    assert (response.status_code, response.json()["code"]) == (404, "metrics_disabled")


def test_beside_the_api_they_ask_for_the_key(serve: Any) -> None:
    with serve(preload=(), metrics="main", api_keys=("sk",)).client() as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"x-api-key": "sk"}).status_code == 200


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Return the names of all metrics' samples, families included."""
    figures = Metrics(Service(Settings(metrics="main", metrics_gigastt=True)))
    found = set()
    for family in figures.families():
        endings = {"counter": ("_total",), "histogram": ("", "_bucket", "_sum", "_count")}
        found |= {f"{family.name}{ending}" for ending in endings.get(family.type, ("",))}
    return found


def test_every_metric_of_the_dashboard_exists(names: set[str], root: Path) -> None:
    dashboard = json.loads((root / "docs/observability/grafana.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = set(re.findall(r"\b(?:govor|gigastt|process)_\w+", " ".join(expressions)))
    assert len(named) > 15
    assert named - names == set()


def test_every_metric_of_the_alerts_exists(names: set[str], root: Path) -> None:
    rules = yaml.safe_load((root / "docs/observability/alerts.yaml").read_text(encoding="utf-8"))
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len(every) >= 5
    assert all({"alert", "expr", "labels", "annotations"} <= rule.keys() for rule in every)
    named = set(re.findall(r"\bgovor_\w+", " ".join(rule["expr"] for rule in every)))
    assert len(named) >= 5
    assert named - names == set()


def test_every_metric_is_described_and_no_other(names: set[str], root: Path) -> None:
    page = (root / "docs/reference/metrics.md").read_text(encoding="utf-8")
    described = set(re.findall(r"`((?:govor|gigastt)_\w+)`", page))
    assert len(described) >= 30
    own = {name for name in names if name.startswith(("govor_", "gigastt_"))}
    parts = re.compile(r"_(bucket|sum|count)$")
    assert described == {name for name in own if not (parts.search(name) and parts.sub("", name) in own)}


def test_metrics_that_fail_make_no_request_fail(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(figures: Metrics, record: Any) -> None:
        raise RuntimeError("out of figures")

    monkeypatch.setattr(Metrics, "left", broken)
    with watched.client() as client:
        assert client.get("/health").status_code == 200
        assert client.get("/v1/models").status_code == 200
