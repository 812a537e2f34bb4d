"""GET /metrics, beside the API or on a listener of its own."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import tag

from govor.api.body.uploads import Message, Receive, Scope, Send
from govor.api.http.browser_origin import BrowserOrigin, check_origin
from govor.api.http.security_headers import usual_headers
from govor.engine.service import Service
from govor.errors import MetricsDisabled, RequestError
from govor.jobs.service import JobService
from govor.observe.metrics import CONTENT_TYPE, Metrics


def metrics_routes(figures: Metrics | None, jobs: JobService) -> Blueprint:
    """The route; no figures: they are not given here."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    @tag(["Status"])
    async def metrics() -> Response:
        """Figures in Prometheus' text format; 404 while they are off, or given on a listener of their own."""
        if figures is None:
            raise MetricsDisabled("This server gives no metrics here; the setting `metrics` says where.")
        return Response(figures.text(await jobs.counts()), content_type=CONTENT_TYPE)

    return routes


class MetricsApp:
    """An ASGI application that has nothing but the metrics."""

    def __init__(self, figures: Metrics, jobs: JobService, service: Service):
        self._figures = figures
        self._jobs = jobs
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET /metrics, and 404 to everything else; 403 to a stranger's page, as no key is asked."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            status, text = await self._look(scope)
            await _answer(send, status, text, body=scope["method"] != "HEAD")

    async def _look(self, scope: Scope) -> tuple[int, bytes]:
        """Return status and body."""
        settings = self._service.settings
        try:
            check_origin(BrowserOrigin.of(scope["headers"], settings.trusted_proxies), settings)
        except RequestError as error:
            return error.status, f"{error}\n".encode()
        if scope["method"] in ("GET", "HEAD") and scope["path"].rstrip("/") == "/metrics":
            return 200, self._figures.text(await self._jobs.counts())
        return 404, b"Only GET /metrics is here.\n"


async def _live(receive: Receive, send: Send) -> None:
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
