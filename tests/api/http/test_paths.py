"""Base URLs as people type them: each reaches the route that is meant, with its keys, limits and figures."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from werkzeug.routing import Map, Rule

from govor.api.http.paths import Paths
from support.sound import media

URL = "/v1/audio/transcriptions"
MISSPELLED = [
    "//v1/audio/transcriptions",
    "/v1//audio/transcriptions",
    "/v1/audio///transcriptions/",
    "/audio/transcriptions",
    "/v1/v1/audio/transcriptions",
    "/openai/v1/audio/transcriptions",
    "/v1/openai/audio/transcriptions",
    "/v1/audio/transcriptions/audio/transcriptions",
    "/v1/audio/transcriptions/v1/audio/transcriptions",
    "/audio/transcriptions/audio/transcriptions",
    "/v1/audio/audio/transcriptions",
    "/inference/v1/audio/transcriptions",
]


def post(client: httpx.Client, path: str) -> httpx.Response:
    return client.post(path, files={"file": ("a.wav", media.silence(1))}, data={"model": "echo"})


@pytest.mark.parametrize("path", MISSPELLED)
def test_a_recording_is_answered_whatever_was_typed_as_base_url(server: Any, path: str) -> None:
    with server.client() as client:
        answer = post(client, path)
    assert (answer.status_code, answer.headers["x-govor-model"]) == (200, "echo")


@pytest.mark.parametrize(
    "path",
    [
        *("/models", "/v1//models", "/v1/v1/models", "/openai/v1/models", "/openai/models"),
        *(f"{base}/models" for base in (URL, f"{URL}/v1", "/audio/transcriptions")),
    ],
)
def test_the_models_are_listed_for_programs_that_try_their_base_url_with_them(server: Any, path: str) -> None:
    with server.client() as client:
        assert client.get(path).json()["object"] == "list"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/models/v1/models", "/v1/models/v1/models"),
        ("/v1/models/a/b", "/v1/models/a/b"),
        ("/models/a/b", "/v1/models/a/b"),
        ("/api/v1/v1/models", "/v1/models"),
        ("/api/v1/v1/jobs", "/v1/jobs"),
        ("/v1/inference", "/inference"),
        ("/v1/docs", "/v1/docs"),
        ("/v1/metrics", "/v1/metrics"),
        ("/stt/v1/models", "/stt/v1/models"),
        ("/openai/v1/v1/jobs", "/v1/jobs"),
        ("//", "/"),
        ("", "/"),
        ("/v1/" * 5000 + "jobs", "/v1" * 5000 + "/jobs"),
    ],
)
def test_a_route_is_never_spelled_otherwise_and_strange_parts_are_left(path: str, meant: str) -> None:
    rules = ["/v1/models", "/api/v1/models", "/v1/models/<path:name>", "/v1/jobs", "/docs", "/metrics"]
    routes = Map([*(Rule(rule, endpoint=rule) for rule in rules), Rule("/inference", endpoint="inference")])
    assert Paths(routes).spelled(path, "GET") == meant


def test_a_wrong_method_of_a_route_stays_one(server: Any) -> None:
    with server.client() as client:
        answer = client.get("/v1//audio/transcriptions")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_doubled_slashes_are_never_redirected_or_answered_in_html(server: Any, method: str) -> None:
    with server.client() as client:
        for path in ("//v1//nothing", "/v1//models//no-such", "/v1/audio//transcriptions"):
            answer = client.request(method, path, headers={"Host": "elsewhere.example"})
            assert "location" not in answer.headers
            assert answer.headers["content-type"] == "application/json"


def test_a_path_behind_a_foreign_prefix_is_told_what_is_here(server: Any) -> None:
    with server.client() as client:
        answer = post(client, "/stt/v1/audio/transcriptions")
    assert answer.status_code == 404
    assert f"but {URL} there is: look at the client's base URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", [*MISSPELLED, "/models", "/health/v1/models", "/docs//v1/models", "/health//"]
)
def test_no_spelling_opens_what_needs_a_key(serve: Any, path: str) -> None:
    locked = serve(api_keys=("secret",), preload=())
    with locked.client() as client:
        expected = 200 if path == "/health//" else 404 if path.startswith("/docs") else 401
        assert client.get(path).status_code == expected
        assert post(client, path).status_code in (401, 404, 405)


def test_the_administrators_key_is_asked_in_every_spelling(serve: Any) -> None:
    locked = serve(api_keys=("user",), admin_key="admin", preload=())
    with locked.client(headers={"Authorization": "Bearer user"}) as client:
        for path in ("/models/echo", "/v1//models/echo", "/openai/v1/models/echo"):
            assert client.delete(path).json()["error"]["code"] == "admin_required"


def test_figures_name_the_route_and_not_the_spelling(serve: Any) -> None:
    counted = serve(metrics="main", preload=())
    with counted.client() as client:
        client.get("/openai/v1//models")
        figures = client.get("/metrics").text
    assert 'route="/v1/models"' in figures
    assert "/openai" not in figures


def test_a_large_body_is_bounded_alike_in_every_spelling(serve: Any) -> None:
    small = serve(max_upload_mb=0.001, preload=())
    with small.client() as client:
        assert post(client, "/audio/transcriptions").status_code == 413
