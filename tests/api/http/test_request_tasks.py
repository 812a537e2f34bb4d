"""No task of a request outlives it, if it is the server that ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from quart import Quart, websocket

from govor.api.http.request_tasks import HttpRequest, WebSocketRequest

HTTP = {
    "type": "http",
    "scheme": "http",
    "method": "GET",
    "path": "/",
    "headers": [],
    "query_string": b"",
    "http_version": "1.1",
}
WEBSOCKET = {**HTTP, "type": "websocket", "scheme": "ws", "subprotocols": []}


def application(begun: asyncio.Event) -> Quart:
    app = Quart("test")
    app.asgi_http_class, app.asgi_websocket_class = HttpRequest, WebSocketRequest

    @app.get("/")
    async def endless() -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    @app.websocket("/")
    async def endless_websocket() -> None:
        await websocket.accept()
        begun.set()
        await asyncio.Event().wait()

    return app


@pytest.mark.parametrize("scope", [HTTP, WEBSOCKET], ids=["http", "websocket"])
@pytest.mark.parametrize("is_begun", [True, False])
def test_a_request_that_is_ended_leaves_no_task(scope: dict[str, Any], is_begun: bool) -> None:
    sent, left = asyncio.run(ended(scope, is_begun))
    assert left == set()
    assert set(sent) <= {"websocket.accept"}


async def ended(scope: dict[str, Any], is_begun: bool) -> tuple[list[str], set[Any]]:
    """End a request; return what was sent, and the tasks that are left."""
    begun = asyncio.Event()
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    before = asyncio.all_tasks()
    request = asyncio.create_task(application(begun)(dict(scope), receive, send))  # type: ignore[arg-type]
    if is_begun:
        await asyncio.wait_for(begun.wait(), 5)
    else:
        await asyncio.sleep(0)  # it has made its tasks, and none of them has run
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    for _ in range(5):
        await asyncio.sleep(0)
    return sent, asyncio.all_tasks() - before
