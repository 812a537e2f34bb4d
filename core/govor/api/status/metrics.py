"""GET /metrics, beside the API or on a separate listener."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import tag

from govor.api.body.uploads import Message, Receive, Scope, Send
from govor.api.http.browser_origin import BrowserOrigin, check_origin
from govor.api.http.security_headers import usual_headers
from govor.api.response.declared_errors import can_fail
from govor.engine.service import Service
from govor.errors import MetricsDisabled, RequestError
from govor.jobs.service import JobService
from govor.observe.metrics import CONTENT_TYPE, Metrics


def metrics_routes(figures: Metrics | None, jobs: JobService) -> Blueprint:
    """Return the route; `figures` is None: metrics are off, or on a separate listener."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    @tag(["Status"])
    @can_fail(MetricsDisabled)
    async def metrics() -> Response:
        """Metrics in Prometheus' text format; 404 if they are off, or on a separate listener."""
        if figures is None:
            raise MetricsDisabled("This server gives no metrics here; the setting `metrics` says where.")
        return Response(figures.text(await jobs.counts()), content_type=CONTENT_TYPE)

    return routes


class MetricsApp:
    """An ASGI application that serves only the metrics."""

    def __init__(self, figures: Metrics, jobs: JobService, service: Service):
        self._figures = figures
        self._jobs = jobs
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET /metrics, 404 to other requests, and 403 to foreign pages, as no key is asked for."""
        if scope["type"] == "lifespan":
            await _run_lifespan(receive, send)
        elif scope["type"] == "http":
            status, text = await self._respond(scope)
            await _answer(send, status, text, body=scope["method"] != "HEAD")

    async def _respond(self, scope: Scope) -> tuple[int, bytes]:
        """Return status and body."""
        settings = self._service.settings
        try:
            check_origin(BrowserOrigin.of(scope["headers"], settings.trusted_proxies), settings)
        except RequestError as error:
            return error.status, f"{error}\n".encode()
        if scope["method"] in ("GET", "HEAD") and scope["path"].rstrip("/") == "/metrics":
            return 200, self._figures.text(await self._jobs.counts())
        return 404, b"Only GET /metrics is here.\n"


async def _run_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message: Message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(send: Send, status: int, text: bytes, *, body: bool) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(text)).encode())]
    headers += usual_headers(headers)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text if body else b""})
