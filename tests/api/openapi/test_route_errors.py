"""Every route declares its errors where it is defined, and the document reads them there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from govor.api.openapi.route_errors import refusals
from govor.api.response.declared_errors import ATTRIBUTE, can_fail, declared_errors
from govor.app import create_app
from govor.engine.service import Service
from govor.errors import JobNotFound, ModelBusy
from govor.settings import Settings

WITHOUT_ERRORS = {
    "/",
    "/api/ps",
    "/docs",
    "/docs/<name>",
    "/favicon.ico",
    "/health",
    "/health/ready",
    "/openapi.json",
    "/ready",
    "/readyz",
    "/v1/plugins",
    "/v1/storage",
    "/v1/storage/prune",
    *(f"{base}/v1/{probe}" for base in ("", "/api") for probe in ("health", "ping")),
}
"""Routes that fail only as any route can."""


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    return create_app(Service(Settings(models_dir=tmp_path / "models", data_dir=tmp_path / "data")))


def test_every_route_declares_its_errors_or_has_none(app: Quart) -> None:
    declaring, without = set(), set()
    for rule in app.url_map.iter_rules():
        methods = rule.methods - {"HEAD", "OPTIONS"}
        known = hasattr(app.view_functions[rule.endpoint], ATTRIBUTE)
        (declaring if known else without).update((method, rule.rule) for method in methods)
    assert len(declaring) >= 45
    # GET /api/ps has none, and POST and DELETE have a model in their path
    assert {path for _, path in without} == WITHOUT_ERRORS


@pytest.mark.parametrize("path", ["/v1/models/{name}", "/v1/jobs/{job}"])
def test_the_document_has_the_errors_that_a_view_declares_beside_those_of_any_route(path: str) -> None:
    @can_fail(JobNotFound, ModelBusy)
    async def view() -> None: ...

    assert codes(refusals("GET", path, view)) == {
        *("job_not_found", "model_busy", "internal_error"),
        *("invalid_api_key", "rate_limited", "origin_denied", "host_denied"),
    }


def test_a_wrapper_of_a_view_has_the_errors_that_the_view_declares() -> None:
    @can_fail(ModelBusy)
    async def view() -> None: ...

    @functools.wraps(view)
    async def wrapped() -> None: ...

    async def bare() -> None: ...

    assert (declared_errors(wrapped), declared_errors(bare)) == ((ModelBusy,), ())


def test_errors_of_the_layers_before_a_route_depend_on_its_method_and_on_keys() -> None:
    async def view() -> None: ...

    of_any, of_posts = refused("GET", "/v1/models", view), refused("POST", "/v1/audio/detect", view)
    assert refused("GET", "/health", view) == {"internal_error"}
    bodies = {"payload_too_large", "request_timeout", "unsupported_media_type", "insufficient_storage"}
    assert of_posts - of_any == {*bodies, "shutting_down"}
    assert refused("POST", "/v1/models", view) - of_posts == {"admin_required"}
    assert refused("DELETE", "/v1/models/{name}", view) - of_any == {"admin_required", "shutting_down"}


def refused(method: str, path: str, view: Callable[..., Any]) -> set[str]:
    """Return the codes of a route's errors."""
    return codes(refusals(method, path, view))


def codes(answers: dict[str, Any]) -> set[str]:
    """Return the codes in the descriptions of error answers."""
    lines = [line for answer in answers.values() for line in answer["description"].split("\n\n")]
    return {line.split("`")[1] for line in lines}
