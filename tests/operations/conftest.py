"""Servers with metrics, and readers of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.sound import media


def read_metrics(text: str) -> dict[str, list[Any]]:
    """Return samples by name, as Prometheus' own parser reads them."""
    found: dict[str, list[Any]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


@pytest.fixture
def watched(serve: Callable[..., Any]) -> Any:
    """A server with metrics beside the API."""
    return serve(preload=(), metrics="main", metrics_gigastt=True)


@pytest.fixture
def client(watched: Any) -> Iterator[httpx.Client]:
    """A client of it."""
    with watched.client() as client:
        yield client


@pytest.fixture
def speak() -> Callable[..., httpx.Response]:
    """Send a recording to the model "echo"."""

    def send(client: httpx.Client, **kwargs: Any) -> httpx.Response:
        files = {"file": ("a.wav", media.silence(1))}
        data = {"model": "echo", **kwargs.pop("data", {})}
        return client.post("/v1/audio/transcriptions", files=files, data=data, **kwargs)

    return send


@pytest.fixture
def metrics_of() -> Callable[[httpx.Client], dict[str, list[Any]]]:
    """Fetch a server's metrics and read them."""
    return lambda client: read_metrics(client.get("/metrics").text)
