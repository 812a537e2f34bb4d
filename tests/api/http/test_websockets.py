"""Live audio is not served: who opens a WebSocket is refused at once, and told where recordings go."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

OPENING = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def open_socket(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    return client.get(path, headers={**OPENING, **headers})


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/realtime?intent=transcription", 404), ("/v1/audio/transcriptions", 405), ("/nothing", 404)],
)
def test_a_websocket_is_refused_with_the_route_for_recordings(server: Any, path: str, status: int) -> None:
    with server.client() as client:
        refused = open_socket(client, path)
    assert refused.status_code == status
    error = refused.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert path.partition("?")[0] in error["message"]
    assert "POST /v1/audio/transcriptions" in error["message"]


def test_gigastts_websocket_is_refused_in_its_shape(server: Any) -> None:
    with server.client() as client:
        refused = open_socket(client, "/v1/ws")
    assert refused.status_code == 404
    assert set(refused.json()) == {"error", "code"}


def test_a_refused_websocket_has_an_id_and_a_line_in_the_log_but_no_traceback(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with serve(preload=()).client() as client, caplog.at_level(logging.INFO):
        refused = open_socket(client, "/v1/realtime", **{"x-request-id": "mine"})
        assert client.get("/health").is_success
    assert (refused.headers["x-request-id"], refused.headers["connection"]) == ("mine", "close")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "GET /v1/realtime 404" in caplog.text
